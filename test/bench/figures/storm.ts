import { setTimeout as sleep } from 'node:timers/promises'
import { startGuest } from '../../support/lab.ts'
import { monotonicMs } from '../clocks.ts'
import { boundFigure, type Figure, ratioFigure } from '../figure.ts'
import type { Scope } from '../scope.ts'
import { type Bench, type Measurement, type Setting, setUp } from '../setting.ts'
import { makeMixed, planOf, type Source } from '../sources.ts'
import { median, spreadOf } from '../statistics.ts'
import { durationMs } from '../yardstick.ts'

const VM = 'storm'
const PAIRS = 2
const EVERY_MS = 500
/** C takes a disk of its own in and out after every so many requests. */
const YARDSTICK_EVERY = 10
/** A place of its own, so that the agent's disks are not in its way. */
const YARDSTICK_UNIT = 200
const MOST = 20

/** F6: a request every half second, for ten minutes, each done and none lost. */
export const storm: Measurement = { ids: ['F6'], title: 'a request every 0.5 s on one VM', measure }

type Verb = 'in' | 'out'

interface Outcome {
  readonly verb: Verb
  /** Request sent → seen to be done; Infinity: it never was. */
  readonly ms: number
}

interface Volume {
  readonly name: string
  readonly source: Source
}

async function measure(bench: Bench, scope: Scope): Promise<readonly Figure[]> {
  const setting = await setUp(bench, scope)
  const guest = await startGuest(setting.host, { name: VM })
  scope.teardown(() => guest.close())
  const [spare, ...sources] = await makeMixed(scope, PAIRS)
  if (spare === undefined) throw new Error('there is nothing to plug')
  const volumes = sources.map((source, i) => ({ name: `v${i}`, source }))
  const own = new Own(setting, spare)
  const outcomes = await run(bench, setting, volumes, own)
  const left = (await guest.disks()).length
  return figures(outcomes, own, left)
}

/** All volumes in, one after the other, then all out, over and over; no request waits for the one before. */
async function run(bench: Bench, setting: Setting, volumes: readonly Volume[], own: Own): Promise<readonly Outcome[]> {
  const requests = bench.quick ? 120 : 1_200
  const order = [...volumes.map((volume) => ({ volume, verb: 'in' as const })), ...volumes.map((volume) => ({ volume, verb: 'out' as const }))]
  const beginMs = monotonicMs()
  const outcomes: Promise<Outcome>[] = []
  for (let i = 0; i < requests; i++) {
    await sleep(Math.max(0, beginMs + i * EVERY_MS - monotonicMs()))
    const { volume, verb } = order[i % order.length] ?? { volume: undefined, verb: 'in' }
    if (volume !== undefined) outcomes.push(request(setting, volume, verb))
    bench.progress.step('F6', i, requests)
    if (i % YARDSTICK_EVERY === YARDSTICK_EVERY - 1) await outcomes.at(-1)?.then(() => own.measure())
  }
  return Promise.all(outcomes)
}

async function request({ subject }: Setting, { name, source }: Volume, verb: Verb): Promise<Outcome> {
  const sentMs = monotonicMs()
  try {
    if (verb === 'out') return { verb, ms: await subject.unplug(VM, name) }
    await subject.request(VM, name, source)
    await subject.ready(VM, name)
    return { verb, ms: monotonicMs() - sentMs }
  } catch (error) {
    process.stderr.write(`bench: F6: ${name} ${verb}: ${error instanceof Error ? error.message : String(error)}\n`)
    return { verb, ms: Infinity }
  }
}

/** C's own attach and detach, on the same VM, in the middle of a gap. */
class Own {
  readonly attachMs: number[] = []
  readonly detachMs: number[] = []
  readonly #setting: Setting
  readonly #source: Source

  constructor(setting: Setting, source: Source) {
    this.#setting = setting
    this.#source = source
  }

  async measure(): Promise<void> {
    const { subject, yardstick } = this.#setting
    const plan = planOf('yardstick', YARDSTICK_UNIT, this.#source)
    await subject.aside(async () => {
      this.attachMs.push(durationMs(await yardstick.attach(VM, plan)))
      this.detachMs.push(durationMs(await yardstick.detach(VM, plan)))
    })
  }
}

function figures(outcomes: readonly Outcome[], own: Own, left: number): Figure[] {
  const slowest = (verb: Verb, what: string, ownMs: readonly number[]): Figure => {
    const done = outcomes.filter((outcome) => outcome.verb === verb && outcome.ms < Infinity).map(({ ms }) => ms)
    const notes = [`${what}: median ${Math.round(median(done))} ms, looked at every 3 ms`]
    const measured = Math.max(...done)
    return ratioFigure({ id: 'F6', what: `${what}, slowest of ${done.length}`, unit: 'ms', measured, yardstick: median(ownMs), spread: spreadOf(ownMs, median), atMost: MOST, notes })
  }
  const lost = outcomes.filter(({ ms }) => ms === Infinity).length
  return [
    slowest('in', "plug request sent → Ready; against C's attach", own.attachMs),
    slowest('out', "unplug request sent → released; against C's detach", own.detachMs),
    boundFigure({ id: 'F6', what: `requests lost, and disks left in the guest, of ${outcomes.length} requests`, unit: '', measured: lost + left, atMost: 0 }),
  ]
}
