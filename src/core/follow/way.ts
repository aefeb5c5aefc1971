import { PLUG_STAGES, type Stage, type StageName, UNPLUG_STAGES } from '../../model/status.ts'

/** A moment by both clocks: for people, and for durations. */
export interface Moment {
  readonly iso: string
  readonly monotonicMs: number
}

/** Whether a volume is on its way into the guest or out of it. */
export type Direction = 'in' | 'out'

/** How far a volume has got on its way in or out, as somebody saw it who only watches. */
export interface Way {
  readonly direction: Direction
  /** How many of the way's stages are behind it, seen or not; never less than before. */
  readonly level: number
  /** Those that were passed before our eyes. */
  readonly stages: readonly Stage[]
  /** When the stage under way began. */
  readonly since: Moment
}

const STAGES: Readonly<Record<Direction, readonly StageName[]>> = { in: PLUG_STAGES, out: UNPLUG_STAGES }

/** A way of which nothing was seen so far: stages up to `level` were passed at some earlier time. */
export function firstSight(direction: Direction, level: number, now: Moment): Way {
  return { direction, level, stages: [], since: now }
}

/**
 * The way after one more look. Whatever was passed since the last look was passed now; of several stages at once the first
 * took all the time. A way out begins at its first stage; one in, of a volume that was on its way out, with what is left.
 */
export function advance(way: Way, seen: { readonly direction: Direction; readonly level: number }, now: Moment): Way {
  if (seen.direction !== way.direction) return seen.direction === 'in' ? firstSight('in', seen.level, now) : advance(firstSight('out', 0, now), seen, now)
  if (seen.level <= way.level) return way
  const names = STAGES[way.direction].slice(way.level, seen.level)
  const passed = names.map((name, index): Stage => (index === 0 ? { name, startedAt: way.since.iso, durationMs: elapsedMs(way.since, now) } : { name, startedAt: now.iso, durationMs: 0 }))
  return { ...way, level: seen.level, stages: [...way.stages, ...passed], since: now }
}

/** The last stage that is behind it. */
export function lastStage({ direction, level }: Way): StageName | null {
  return STAGES[direction][level - 1] ?? null
}

/** Whether it has come to its end. */
export function isOver({ direction, level }: Way): boolean {
  return level === STAGES[direction].length
}

function elapsedMs(from: Moment, to: Moment): number {
  return Math.round((to.monotonicMs - from.monotonicMs) * 1_000) / 1_000
}
