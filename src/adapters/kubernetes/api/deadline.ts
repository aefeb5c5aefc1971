import type { Clock } from '../../../ports/clock.ts'

/** Ends something when its time is over, or when one of several signals says so. To be cleared, or the signals keep it. */
export class Deadline {
  readonly #controller = new AbortController()
  readonly #sources: readonly AbortSignal[]
  readonly #stopTimer: () => void

  constructor(clock: Clock, over: { readonly afterMs: number; readonly because: () => Error }, sources: readonly (AbortSignal | undefined)[]) {
    this.#sources = sources.filter((source) => source !== undefined)
    this.#stopTimer = clock.after(over.afterMs, () => this.#controller.abort(over.because()))
    for (const source of this.#sources) source.addEventListener('abort', this.#onAbort, { once: true })
    if (this.#sources.some(({ aborted }) => aborted)) this.#onAbort()
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** Why it ended, or else what was caught. */
  why(caught: unknown): unknown {
    return this.signal.aborted ? this.signal.reason : caught
  }

  clear(): void {
    this.#stopTimer()
    for (const source of this.#sources) source.removeEventListener('abort', this.#onAbort)
  }

  readonly #onAbort = (): void => {
    this.#controller.abort(this.#sources.find(({ aborted }) => aborted)?.reason)
  }
}
