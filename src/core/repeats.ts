/** The same thing again is said again after this long. */
const AGAIN_MS = 60_000

/** What did not happen for this long is new when it happens. */
const FORGOTTEN_MS = 600_000

interface Known {
  readonly saidMs: number
  readonly lastMs: number
  /** Since it was said. */
  readonly count: number
}

/** One occurrence, seen in the light of those before. */
export interface Occurrence {
  /** Whether it is to be said now. */
  readonly isSaid: boolean
  /** How often it happened since it was last said, this time included; absent: it is new. */
  readonly repeats?: number
}

/** Counts what happens again and again, so that it is one line a minute and a counter. */
export class Repeats {
  /** In the order in which they last happened. */
  readonly #known = new Map<string, Known>()

  /** It happened at `nowMs`, of a clock that never goes back. */
  happened(key: string, nowMs: number): Occurrence {
    this.#forget(nowMs)
    const known = this.#known.get(key)
    this.#known.delete(key)
    if (known === undefined || nowMs - known.saidMs >= AGAIN_MS) {
      this.#known.set(key, { saidMs: nowMs, lastMs: nowMs, count: 0 })
      return known === undefined ? { isSaid: true } : { isSaid: true, repeats: known.count + 1 }
    }
    this.#known.set(key, { saidMs: known.saidMs, lastMs: nowMs, count: known.count + 1 })
    return { isSaid: false, repeats: known.count + 1 }
  }

  #forget(nowMs: number): void {
    for (const [key, { lastMs }] of this.#known) {
      if (nowMs - lastMs < FORGOTTEN_MS) return
      this.#known.delete(key)
    }
  }
}
