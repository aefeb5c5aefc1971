import { type Guest, startGuest } from '../../support/lab.ts'
import { monotonicMs } from '../clocks.ts'
import { type Figure, ratioFigure } from '../figure.ts'
import { type Bench, type Measurement, type Setting, setUp } from '../setting.ts'
import type { Scope } from '../scope.ts'
import { makeMixed, planOf, type Source } from '../sources.ts'
import { median, spreadOf } from '../statistics.ts'

const VM = 'seer'
const SERIAL = 'data'
const WARM_UP = 10
const PAIRS = 4

/** F2: what a user waits for. */
export const guestSees: Measurement = { ids: ['F2'], title: 'one volume: request → the guest sees the disk', measure }

async function measure(bench: Bench, scope: Scope): Promise<readonly Figure[]> {
  const setting = await setUp(bench, scope)
  const guest = await startGuest(setting.host, { name: VM })
  scope.teardown(() => guest.close())
  const sources = await makeMixed(scope, PAIRS)
  const rounds = bench.quick ? 40 : 300
  const sides = [byAgent, byYardstick]
  const samples = sides.map((): number[] => [])
  for (let round = -WARM_UP; round < rounds; round++) {
    const source = sources[Math.abs(round) % sources.length]
    if (source === undefined) throw new Error('there is nothing to plug')
    const order = Math.floor(round / sources.length) % 2 === 0 ? [0, 1] : [1, 0]
    for (const side of order) {
      const ms = await sides[side]?.(setting, guest, source)
      if (round >= 0 && ms !== undefined) samples[side]?.push(ms)
    }
    bench.progress.step('F2', round, rounds)
  }
  const [agent = [], yardstick = []] = samples
  return [figure(agent, yardstick)]
}

async function byAgent({ subject }: Setting, guest: Guest, source: Source): Promise<number> {
  const seen = await watch(guest)
  const sentMs = monotonicMs()
  await subject.request(VM, SERIAL, source)
  const ms = (await seen.atMs) - sentMs
  await subject.ready(VM, SERIAL)
  await vanish(guest, () => subject.unplug(VM, SERIAL))
  return ms
}

function byYardstick({ subject, yardstick }: Setting, guest: Guest, source: Source): Promise<number> {
  const plan = planOf(SERIAL, 0, source)
  return subject.aside(async () => {
    const seen = await watch(guest)
    const { startMs } = await yardstick.attach(VM, plan)
    const ms = (await seen.atMs) - startMs
    await vanish(guest, () => yardstick.detach(VM, plan))
    return ms
  })
}

/** Resolves once the guest has nothing else to answer, with the promise of when it sees the disk. */
async function watch(guest: Guest): Promise<{ readonly atMs: Promise<number> }> {
  const atMs = guest.waitForDisk(SERIAL).then(() => monotonicMs())
  atMs.catch(() => undefined) // whoever waits for it is told; nobody may be left to
  await guest.disks()
  return { atMs }
}

async function vanish(guest: Guest, act: () => Promise<unknown>): Promise<void> {
  await act()
  await guest.waitForNoDisk(SERIAL)
}

function figure(agent: readonly number[], yardstick: readonly number[]): Figure {
  return ratioFigure({
    id: 'F2',
    what: `API request sent → guest sees the disk, p50, n=${agent.length}; against C attach → guest sees it`,
    unit: 'ms',
    measured: median(agent),
    yardstick: median(yardstick),
    spread: spreadOf(yardstick, median),
    atMost: 1.2,
  })
}
