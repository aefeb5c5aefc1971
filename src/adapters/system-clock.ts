import type { Clock } from '../ports/clock.ts'

/** The machine's clocks. Timers run on the monotonic one, so a jump of the wall clock moves nothing. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs)
    timer.unref()
    return () => clearTimeout(timer)
  },
}
