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
  const { plugs, attaches } = await run(setting, sources, rounds, (done) => bench.progress.step('F1', done, rounds))
  return figures(plugs, attaches)
}

interface Samples {
  readonly plugs: readonly Plug[]
  readonly attaches: readonly number[]
}

/** Agent and yardstick plug the same source into the same domain, now the one first, now the other. */
async function run(setting: Setting, sources: readonly Source[], rounds: number, tell: (done: number) => void = () => {}): Promise<Samples> {
  const plugs: Plug[] = []
  const attaches: number[] = []
  const sides = [async (source: Source) => void plugs.push(await byAgent(setting, source)), async (source: Source) => void attaches.push(await byYardstick(setting, source))]
  for (let round = 0; round < rounds; round++) {
    const source = sources[round % sources.length]
    if (source === undefined) throw new Error('there is nothing to plug')
    const order = Math.floor(round / sources.length) % 2 === 0 ? sides : sides.toReversed()
    for (const side of order) await side(source)
    tell(round + 1)
  }
  return { plugs, attaches }
}

async function byAgent({ subject }: Setting, source: Source): Promise<Plug> {
  const plug = await subject.plug(VM, 'data', source)
  await subject.unplug(VM, 'data')
  return plug
}

function byYardstick({ subject, yardstick }: Setting, source: Source): Promise<number> {
  const plan = planOf('data', 0, source)
  return subject.aside(async () => {
    const attach = await yardstick.attach(VM, plan)
    await yardstick.detach(VM, plan)
    return durationMs(attach)
  })
}

function figures(plugs: readonly Plug[], attaches: readonly number[]): Figure[] {
  const requests = plugs.map(({ requestMs }) => requestMs)
  const p99: Statistic = (samples) => quantile(samples, 0.99)
  const figure = (name: string, statistic: Statistic, atMost: number, notes: readonly string[]): Figure =>
    ratioFigure({
      id: 'F1',
      what: `request sent → attach returned, ${name}, n=${requests.length}; against C's attach`,
      unit: 'ms',
      measured: statistic(requests),
      yardstick: statistic(attaches),
      spread: spreadOf(attaches, statistic),
      atMost,
      notes,
    })
  return [figure('p50', median, 1.25, [whereItGoes(plugs)]), figure('p99', p99, 3, [])]
}

function whereItGoes(plugs: readonly Plug[]): string {
  const part = (name: string, of: (plug: Plug) => number): string => `${name} ${formatNumber(median(plugs.map(of)))}`
  const stage = (name: string): string => part(name, ({ stages }) => stages[name] ?? NaN)
  const parts = [part('request → plug begins', ({ arrivalMs }) => arrivalMs), ...['discovered', 'exposed', 'attached'].map(stage)]
  return `medians in ms: ${parts.join(', ')}; after it, not counted: ${stage('reported')}`
}
