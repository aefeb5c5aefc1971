import type { FigureId } from '../arguments.ts'
import { type Figure, ratioFigure } from '../figure.ts'
import { median, type Spread } from '../statistics.ts'
import { formatNumber } from '../table.ts'
import type { MassPlug } from './crowd.ts'

interface InAndOut {
  readonly in: MassPlug
  readonly outMs: number
}

/** One round of 255 volumes in and out of one VM. */
export interface FullVmRound {
  readonly agent: InAndOut
  readonly yardstick: InAndOut
}

export interface WallTimes {
  readonly agentMs: number
  readonly yardstickMs: number
}

const MOST_IN = 1.15
const MOST_OUT = 0.25
/** By how much of a C attach the agent's share may differ between first and last quarter and still count as flat. */
const FLAT = 0.1

export function fullVmFigures(rounds: readonly FullVmRound[], wanted: ReadonlySet<FigureId>): Figure[] {
  const count = rounds[0]?.agent.in.attachedMs.length ?? 0
  const into = wallFigure('F4', `${count} volumes into one VM; against C loop`, MOST_IN, rounds.map(({ agent, yardstick }) => ({ agentMs: agent.in.wallMs, yardstickMs: yardstick.in.wallMs })))
  const cpu = median(rounds.map(({ agent }) => agent.in.cpuMs / count))
  const out = wallFigure('F5', `${count} volumes out of one VM; against C's synchronous detaches`, MOST_OUT, rounds.map(({ agent, yardstick }) => ({ agentMs: agent.outMs, yardstickMs: yardstick.outMs })))
  const inFigures = [{ ...into, notes: [`CPU time of the agent ${formatNumber(cpu)} ms a volume, the bench's own questions included`] }, shareFigure(rounds)]
  return [...(wanted.has('F4') ? inFigures : []), ...(wanted.has('F5') ? [out] : [])]
}

export function manyVmsFigure(rounds: readonly WallTimes[]): Figure {
  return wallFigure('F4', '8 volumes into each of 20 VMs; against C loop', MOST_IN, rounds)
}

function wallFigure(id: string, what: string, atMost: number, rounds: readonly WallTimes[]): Figure {
  const yardsticks = rounds.map(({ yardstickMs }) => yardstickMs)
  const measured = median(rounds.map(({ agentMs }) => agentMs))
  return ratioFigure({ id, what: `${what}, ${rounds.length} rounds`, unit: 'ms', measured, yardstick: median(yardsticks), spread: extent(yardsticks), atMost })
}

/**
 * The agent's own share of one volume is what its volumes take longer than C's in the same place. Flat: in the last quarter
 * not more than in the first, give or take a tenth of what C's attach takes there.
 */
function shareFigure(rounds: readonly FullVmRound[]): Figure {
  const [first, last] = [rounds.map((round) => shareMs(round, 0)), rounds.map((round) => shareMs(round, 3))]
  const attachMs = median(rounds.map(({ yardstick }) => quarterMs(yardstick.in, 3)))
  const [measured, yardstick] = [median(last), median(first)]
  return {
    id: 'F4',
    what: "the agent's own share of a volume in the last quarter of them; against the first quarter",
    unit: 'ms',
    measured,
    yardstick,
    spread: extent(first),
    goal: `flat: ≤ first + ${formatNumber(attachMs * FLAT)} ms`,
    ok: measured <= yardstick + attachMs * FLAT,
    notes: [quarters(rounds)],
  }
}

function quarters(rounds: readonly FullVmRound[]): string {
  const of = (side: (round: FullVmRound) => MassPlug): string => [0, 1, 2, 3].map((quarter) => formatNumber(median(rounds.map((round) => quarterMs(side(round), quarter))))).join(' ')
  return `ms a volume by quarter: agent ${of(({ agent }) => agent.in)}, C ${of(({ yardstick }) => yardstick.in)}`
}

function shareMs({ agent, yardstick }: FullVmRound, quarter: number): number {
  return quarterMs(agent.in, quarter) - quarterMs(yardstick.in, quarter)
}

/** What a volume took in that quarter, 0 … 3, on average. */
function quarterMs({ attachedMs }: MassPlug, quarter: number): number {
  const at = (q: number): number => Math.round((attachedMs.length * q) / 4)
  const [from, to] = [at(quarter), at(quarter + 1)]
  const begin = from === 0 ? 0 : (attachedMs[from - 1] ?? NaN)
  return ((attachedMs[to - 1] ?? NaN) - begin) / (to - from)
}

function extent(values: readonly number[]): Spread {
  return [Math.min(...values), Math.max(...values)]
}
