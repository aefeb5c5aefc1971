/** How long to wait: doubled with each failure, up to a limit. */
export interface BackoffTimes {
  readonly firstMs: number
  readonly longestMs: number
}

/** Waiting times after failures in a row; anything between half and whole of each, so that not all agents come back at once. */
export class Backoff {
  readonly #times: BackoffTimes
  #failures = 0

  constructor(times: BackoffTimes) {
    this.#times = times
  }

  /** Failures since it last went well. */
  get failures(): number {
    return this.#failures
  }

  /** One more failure: how long to wait now. */
  next(): number {
    const { firstMs, longestMs } = this.#times
    const fullMs = Math.min(longestMs, firstMs * 2 ** Math.min(this.#failures++, 20))
    return fullMs * (0.5 + Math.random() / 2)
  }

  reset(): void {
    this.#failures = 0
  }
}
