import type { Spread } from './statistics.ts'

/** One promise and what became of it. Values are in the unit that `what` ends with. */
export interface Figure {
  readonly id: string
  readonly what: string
  /** `ms`, `s`, `MiB`; empty for plain counts. */
  readonly unit: string
  /** NaN: it could not be measured. */
  readonly measured: number
  /** Null where the goal is a bare number. */
  readonly yardstick: number | null
  /** Lowest and highest value of the yardstick over the run: how noisy the machine was. */
  readonly spread: Spread | null
  readonly goal: string
  readonly ok: boolean
  /** What one should know of it beyond the numbers. */
  readonly notes: readonly string[]
}

/** What `--json` prints of a figure. */
export interface FigureObject {
  readonly id: string
  readonly what: string
  readonly measured: number | null
  readonly yardstick: number | null
  readonly ratio: number | null
  readonly goal: string
  readonly ok: boolean
}

/** Measured over yardstick; null where there is none. */
export function ratioOf({ measured, yardstick }: Pick<Figure, 'measured' | 'yardstick'>): number | null {
  return yardstick === null || yardstick === 0 || Number.isNaN(measured) ? null : measured / yardstick
}

/** The whole result as JSON. */
export function resultObject(figures: readonly Figure[]): { readonly figures: readonly FigureObject[] } {
  return { figures: figures.map(figureObject) }
}

function figureObject(figure: Figure): FigureObject {
  const { id, unit, yardstick, goal, ok } = figure
  const what = unit === '' ? figure.what : `${figure.what}, ${unit}`
  const ratio = ratioOf(figure)
  return { id, what, measured: rounded(figure.measured), yardstick: rounded(yardstick), ratio: rounded(ratio), goal, ok }
}

/** Four digits say all that a noisy machine can. JSON has no NaN. */
function rounded(value: number | null): number | null {
  return value === null || !Number.isFinite(value) ? null : Number(value.toPrecision(4))
}

interface RatioParts {
  readonly id: string
  readonly what: string
  readonly unit: string
  readonly measured: number
  readonly yardstick: number
  readonly spread: Spread
  /** The promise: measured is at most so many times the yardstick. */
  readonly atMost: number
  readonly notes?: readonly string[]
}

/** A promise of the kind "at most so many times the yardstick". */
export function ratioFigure({ atMost, notes = [], ...parts }: RatioParts): Figure {
  return { ...parts, notes, goal: `≤ ${atMost} ×`, ok: parts.measured <= atMost * parts.yardstick }
}

interface BeyondParts extends Omit<RatioParts, 'atMost'> {
  /** The promise: measured is at most so much more than the yardstick. */
  readonly beyond: number
}

/** A promise of the kind "at most so much more than libvirt itself". */
export function beyondFigure({ beyond, notes = [], ...parts }: BeyondParts): Figure {
  return { ...parts, notes, goal: `≤ + ${beyond} ${parts.unit}`, ok: parts.measured <= parts.yardstick + beyond }
}

interface BoundParts {
  readonly id: string
  readonly what: string
  readonly unit: string
  readonly measured: number
  readonly atMost: number
  readonly yardstick?: number
  readonly spread?: Spread
  readonly notes?: readonly string[]
}

/** A promise of the kind "at most so much". */
export function boundFigure({ atMost, notes = [], yardstick, spread, ...parts }: BoundParts): Figure {
  const goal = `≤ ${atMost}${parts.unit === '' ? '' : ` ${parts.unit}`}`
  return { ...parts, notes, goal, yardstick: yardstick ?? null, spread: spread ?? null, ok: parts.measured <= atMost }
}

/** A figure whose measuring failed is a promise not kept. */
export function failedFigure(id: string, error: unknown): Figure {
  const [because = ''] = (error instanceof Error ? error.message : String(error)).split('\n')
  return { id, what: 'could not be measured', unit: '', measured: NaN, yardstick: null, spread: null, goal: 'to be measured', ok: false, notes: [because] }
}
