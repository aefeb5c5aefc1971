/** Stands for an answer that did not come in time. */
export const LATE = Symbol('late')

/** The outcome of the act, or LATE; the act itself goes on. Neither keeps the process alive for its deadline. */
export async function within<T>(deadlineMs: number, act: Promise<T>): Promise<T | typeof LATE> {
  const { promise: late, resolve } = Promise.withResolvers<typeof LATE>()
  const timer = setTimeout(resolve, deadlineMs, LATE)
  try {
    return await Promise.race([act, late])
  } finally {
    clearTimeout(timer)
  }
}

/** The outcome of the act, or the signal's reason as soon as it aborts; the act itself goes on. */
export async function unlessAborted<T>(act: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return act
  signal.throwIfAborted()
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const abort = (): void => reject(signal.reason)
  signal.addEventListener('abort', abort, { once: true })
  try {
    return await Promise.race([act, aborted])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}
