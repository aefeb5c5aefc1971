/** Time, so that tests can hold it. */
export interface Clock {
  /** Wall clock, ms since the epoch: for people only, never for decisions. */
  now(): number
  /** Milliseconds that only grow (not set by anybody), for durations and deadlines. */
  monotonicMs(): number
  /** Calls back once after `delayMs`; the returned function takes that back. Never keeps the process alive. */
  after(delayMs: number, callback: () => void): () => void
}
