import type { Clock } from '../../ports/clock.ts'

/** Stands for a result that did not come in time. */
export const LATE = Symbol('late')

/** The outcome of `work`, or LATE after `deadlineMs`; the work itself goes on, and must be watched by somebody else then. */
export function within<T>(clock: Clock, deadlineMs: number, work: Promise<T>): Promise<T | typeof LATE> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(deadlineMs, () => resolve(LATE))
    work.then(resolve, reject).finally(cancel)
  })
}
