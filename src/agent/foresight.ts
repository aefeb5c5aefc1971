import type { ResolvedSource, SourceSpec } from '../model/source.ts'
import type { Clock } from '../ports/clock.ts'

/** A look-up older than this is done again. */
const FRESH_MS = 250

interface Foreseen {
  readonly asked: SourceSpec
  readonly source: ResolvedSource
  readonly atMs: number
}

/**
 * Sources that a request has just looked up, so that its plug need not do the same again in the next millisecond.
 * Each is used once; identity is compared again right before and after the attach in any case.
 */
export class Foresight {
  readonly #clock: Clock
  readonly #sources = new Map<string, Foreseen>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  foresee(volumeId: string, asked: SourceSpec, source: ResolvedSource): void {
    this.#sources.set(volumeId, { asked, source, atMs: this.#clock.monotonicMs() })
    this.#clock.after(FRESH_MS, () => this.#forgetStale(volumeId))
  }

  /** What was looked up for that very source: by now something else may be wanted under the volume's name. */
  take(volumeId: string, wished: SourceSpec): ResolvedSource | null {
    const foreseen = this.#sources.get(volumeId)
    this.#sources.delete(volumeId)
    if (foreseen === undefined || !this.#isFresh(foreseen.atMs)) return null
    return JSON.stringify(foreseen.asked) === JSON.stringify(wished) ? foreseen.source : null
  }

  #forgetStale(volumeId: string): void {
    const foreseen = this.#sources.get(volumeId)
    if (foreseen !== undefined && !this.#isFresh(foreseen.atMs)) this.#sources.delete(volumeId)
  }

  #isFresh(atMs: number): boolean {
    return this.#clock.monotonicMs() - atMs < FRESH_MS
  }
}
