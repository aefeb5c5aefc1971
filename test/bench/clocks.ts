/** CLOCK_MONOTONIC in ms, the same for every process of the machine. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

/** An instant by both clocks, more exact than the wall clock's own milliseconds. */
export interface Instant {
  readonly wallMs: number
  readonly monotonicMs: number
}

/** Waits, busy, until the wall clock's next millisecond begins. */
export function nextWallTick(): Instant {
  const before = Date.now()
  let wallMs = Date.now()
  while (wallMs === before) wallMs = Date.now()
  return { wallMs, monotonicMs: monotonicMs() }
}

/**
 * When something began of which only the wall clock's millisecond is known, and that it was not before `notBefore`
 * (ms since the epoch, with fraction): the middle of what is possible.
 */
export function dequantised(wallMs: number, notBefore: number): number {
  const earliest = Math.max(wallMs, notBefore)
  return (earliest + Math.max(wallMs + 1, earliest)) / 2
}
