import { boundFigure, type Figure, ratioFigure } from '../../figure.ts'
import type { Scope } from '../../scope.ts'
import type { Bench, Measurement } from '../../setting.ts'
import { median, quantile, spreadOf, type Statistic } from '../../statistics.ts'
import { formatNumber } from '../../table.ts'
import { apiMetrics, vmiPatches } from '../api-metrics.ts'
import type { Kind } from '../own-disks.ts'
import { PACE_MS, type Round, runRounds, writesOf } from '../rounds.ts'
import { makeStorages, setUpStage } from '../stage.ts'
import { rowFigures } from './row-figures.ts'

const WARM_UP = 20
const MOST_CPU_MS = 20
const KINDS: readonly Kind[] = ['block', 'image']

/** What one volume takes from the attachment pod's UID on, and what it costs. */
export const oneVolume: Measurement = { ids: ['F1', 'F10', 'UID', 'COST'], title: 'one volume: attachPodUID in the VMI → attached → Ready, and out again', measure }

async function measure(bench: Bench, scope: Scope): Promise<readonly Figure[]> {
  const stage = await setUpStage(bench, scope)
  const storages = [...(await makeStorages(stage, 'block', ['data'])), ...(await makeStorages(stage, 'image', ['files']))]
  const volumes = storages.map((storage, i) => ({ storage, kind: KINDS[i] ?? 'block' }))
  const attachment = await stage.scene.attach(stage.vm, storages)
  await runRounds(stage, volumes, attachment, { rounds: bench.quick ? WARM_UP / 2 : WARM_UP })
  const counts = async (): Promise<readonly number[]> => [vmiPatches(await apiMetrics(stage.scene.server)), await writesOf(stage)]
  const before = await counts()
  const rounds = bench.quick ? 60 : 1_000
  const all = await runRounds(stage, volumes, attachment, { rounds, paceMs: PACE_MS, tell: (done) => bench.progress.step('F1', done, rounds) })
  const [patches = NaN, writes = NaN] = (await counts()).map((count, i) => count - (before[i] ?? NaN))
  const parts: Partial<Record<string, Figure[]>> = { F1: attachFigures(all), F10: writeFigures(all, { patches, writes }), UID: KINDS.flatMap((kind) => rowFigures('UID', kind, all)), COST: costFigures(all) }
  return Object.entries(parts).flatMap(([id, figures = []]) => ([...bench.wanted] as string[]).includes(id) ? figures : [])
}

function attachFigures(rounds: readonly Round[]): Figure[] {
  const [ownMs, yardstickMs] = [rounds.map((round) => round.in.requestMs), rounds.map(({ attachMs }) => attachMs)]
  const figure = (name: string, statistic: Statistic, atMost: number, notes: readonly string[]): Figure =>
    ratioFigure({ id: 'F1', what: `watch event → attach returned, ${name}, n=${rounds.length}; against C's attach`, unit: 'ms', measured: statistic(ownMs), yardstick: statistic(yardstickMs), spread: spreadOf(yardstickMs, statistic), atMost, notes })
  const how = 'begins when the API server answered the write of the UID or a second watch showed it, whichever was first; ends with the stage attached, as the agent tells it'
  return [figure('p50', median, 1.25, [whereItGoes(rounds), how]), figure('p99', (samples) => quantile(samples, 0.99), 3, [])]
}

function whereItGoes(rounds: readonly Round[]): string {
  const of = (name: string): string => `${name} ${formatNumber(median(rounds.map((round) => round.in.stages[name] ?? NaN)))}`
  return `medians in ms: event → plug begins ${formatNumber(median(rounds.map((round) => round.in.arrivalMs)))}, ${['discovered', 'exposed', 'attached'].map(of).join(', ')}; after it, not counted: ${of('reported')}`
}

function writeFigures(rounds: readonly Round[], { patches, writes }: { patches: number; writes: number }): Figure[] {
  const figure = (what: string, counts: readonly number[], atMost: number): Figure =>
    boundFigure({ id: 'F10', what: `status writes per ${what}, most of ${counts.length}`, unit: '', measured: Math.max(...counts), atMost, notes: [`per ${what}: ${formatNumber(counts.reduce((sum, count) => sum + count, 0) / counts.length)} on average`] })
  const missed = boundFigure({ id: 'F10', what: 'writes that the agent does not own up to: VMI patches at the API server, less its own count', unit: '', measured: Math.abs(patches - writes), atMost: 0, notes: [`${patches} patches counted by the API server, ${writes} by the agent`] })
  return [figure('plug', rounds.map((round) => round.in.writes), 2), figure('unplug', rounds.map((round) => round.out.writes), 1), missed]
}

function costFigures(rounds: readonly Round[]): Figure[] {
  const cpu = (kind: Kind, way: 'in' | 'out'): Figure => {
    const spent = rounds.filter((round) => round.kind === kind).map((round) => round[way].cpuMs)
    return boundFigure({ id: 'COST', what: `CPU of the agent per ${way === 'in' ? 'plug' : 'unplug'}, ${kind}, median of ${spent.length}`, unit: 'ms', measured: median(spent), atMost: MOST_CPU_MS })
  }
  const forks = rounds.filter((round) => round.in.forked || round.out.forked).length
  return [...KINDS.flatMap((kind) => [cpu(kind, 'in'), cpu(kind, 'out')]), boundFigure({ id: 'COST', what: `plugs and unplugs that left a trace of a child process, of ${2 * rounds.length}`, unit: '', measured: forks, atMost: 0, notes: ['children are told by /proc: their number, and the CPU time and page faults of those that ended'] })]
}
