import { startPausedDomain } from '../../support/lab.ts'
import { type Figure, ratioFigure } from '../figure.ts'
import { formatNumber } from '../table.ts'
import { type Bench, type Measurement, type Setting, setUp } from '../setting.ts'
import type { Scope } from '../scope.ts'
import { makeMixed, planOf, type Source } from '../sources.ts'
import { median, quantile, spreadOf, type Statistic } from '../statistics.ts'
import type { Plug } from '../subject.ts'
import { durationMs } from '../yardstick.ts'

const VM = 'one'
const VOLUME = 'data'
const WARM_UP = 50
const PAIRS = 4

/** F1: what one volume costs beyond libvirt's own attach. */
export const oneVolume: Measurement = { ids: ['F1'], title: 'one volume: request → attach returned', measure }

async function measure(bench: Bench, scope: Scope): Promise<readonly Figure[]> {
  const setting = await setUp(bench, scope)
  await startPausedDomain(setting.host, { name: VM })
  const sources = await makeMixed(scope, PAIRS)
  const rounds = bench.quick ? 100 : 1_000
  await run(setting, sources, WARM_UP)
  return figures(await run(setting, sources, rounds, (done) => bench.progress.step('F1', done, rounds)))
}

interface Samples {
  readonly plugs: readonly Plug[]
  readonly roundTripsMs: readonly number[]
  readonly attachesMs: readonly number[]
}

/** Agent and yardstick plug the same source into the same domain, now the one first, now the other. */
async function run(setting: Setting, sources: readonly Source[], rounds: number, tell: (done: number) => void = () => {}): Promise<Samples> {
  const samples = { plugs: [] as Plug[], roundTripsMs: [] as number[], attachesMs: [] as number[] }
  const byAgent = async (source: Source): Promise<void> => {
    samples.plugs.push(await setting.subject.plug(VM, VOLUME, source))
    await setting.subject.unplug(VM, VOLUME)
    samples.roundTripsMs.push(await setting.subject.roundTripMs())
  }
  const sides = [byAgent, async (source: Source) => void samples.attachesMs.push(await byYardstick(setting, source))]
  for (let round = 0; round < rounds; round++) {
    const source = sources[round % sources.length]
    if (source === undefined) throw new Error('there is nothing to plug')
    const order = Math.floor(round / sources.length) % 2 === 0 ? sides : sides.toReversed()
    for (const side of order) await side(source)
    tell(round + 1)
  }
  return samples
}

function byYardstick({ subject, yardstick }: Setting, source: Source): Promise<number> {
  const plan = planOf(VOLUME, 0, source)
  return subject.aside(async () => {
    const attach = await yardstick.attach(VM, plan)
    await yardstick.detach(VM, plan)
    return durationMs(attach)
  })
}

/** The agent's time begins when it has the request: half of the least round trip after it was sent. */
function figures({ plugs, roundTripsMs, attachesMs }: Samples): Figure[] {
  const wayMs = median(roundTripsMs) / 2
  const requestsMs = plugs.map(({ requestMs }) => requestMs - wayMs)
  const figure = (name: string, statistic: Statistic, atMost: number, notes: readonly string[]): Figure =>
    ratioFigure({
      id: 'F1',
      what: `request received → attach returned, ${name}, n=${plugs.length}; against C's attach`,
      unit: 'ms',
      measured: statistic(requestsMs),
      yardstick: statistic(attachesMs),
      spread: spreadOf(attachesMs, statistic),
      atMost,
      notes,
    })
  return [figure('p50', median, 1.25, whereItGoes(plugs, wayMs)), figure('p99', (samples) => quantile(samples, 0.99), 3, [])]
}

function whereItGoes(plugs: readonly Plug[], wayMs: number): string[] {
  const part = (name: string, of: (plug: Plug) => number): string => `${name} ${formatNumber(median(plugs.map(of)))}`
  const stage = (name: string): string => part(name, ({ stages }) => stages[name] ?? NaN)
  const parts = [part('request received → plug begins', ({ arrivalMs }) => arrivalMs - wayMs), ...['discovered', 'exposed', 'attached'].map(stage)]
  return [`medians in ms: ${parts.join(', ')}; after it, not counted: ${stage('reported')}`, `received: ${formatNumber(wayMs)} ms after it was about to be sent, half of what GET /livez takes`]
}
