import type { Clock } from '../../../ports/clock.ts'

/** What is written first when not everything may be written at once. */
export type WritePriority = 'status' | 'event'

/** How much may be written: so much a second on the average, and so much at once after a quiet time. */
export interface WriteRate {
  /** @default 5 */
  readonly perSecond?: number
  /** @default 10 */
  readonly burst?: number
}

/** Events leave this many writes of a burst to status. */
const RESERVED_FOR_STATUS = 5

interface Waiting {
  readonly priority: WritePriority
  readonly go: () => void
}

/** Keeps the agent's writes to the API server below a rate, status before events, each kind in the order of its asking. */
export class WriteBudget {
  readonly #clock: Clock
  readonly #perSecond: number
  readonly #burst: number
  #tokens: number
  #countedMs: number
  #notBeforeMs = -Infinity
  #waiting: Waiting[] = []
  #cancelTimer: (() => void) | null = null

  constructor(clock: Clock, rate: WriteRate = {}) {
    this.#clock = clock
    this.#perSecond = rate.perSecond ?? 5
    this.#burst = rate.burst ?? 10
    this.#tokens = this.#burst
    this.#countedMs = clock.monotonicMs()
  }

  /** Resolves when one write may be made; rejects if one of the signals says that it is not wanted any more. */
  async take(priority: WritePriority, signals: readonly (AbortSignal | undefined)[]): Promise<void> {
    const given = signals.filter((signal) => signal !== undefined)
    for (const signal of given) signal.throwIfAborted()
    let stop = (): void => {}
    try {
      await new Promise<void>((resolve, reject) => {
        const waiting: Waiting = { priority, go: resolve }
        stop = () => this.#drop(waiting, reject, given.find(({ aborted }) => aborted)?.reason)
        for (const signal of given) signal.addEventListener('abort', stop, { once: true })
        this.#waiting.push(waiting)
        this.#serve()
      })
    } finally {
      for (const signal of given) signal.removeEventListener('abort', stop)
    }
  }

  /** The server asked to be left alone for so long. */
  pause(ms: number): void {
    this.#notBeforeMs = Math.max(this.#notBeforeMs, this.#clock.monotonicMs() + ms)
  }

  #drop(waiting: Waiting, reject: (reason: unknown) => void, reason: unknown): void {
    this.#waiting = this.#waiting.filter((other) => other !== waiting)
    reject(reason)
  }

  #serve(): void {
    this.#cancelTimer?.()
    this.#cancelTimer = null
    this.#refill()
    for (let next = this.#next(); next !== null && this.#waitMs(next) <= 0; next = this.#next()) {
      this.#tokens -= 1
      this.#waiting.splice(this.#waiting.indexOf(next), 1)
      next.go()
    }
    const blocked = this.#next()
    if (blocked !== null) this.#cancelTimer = this.#clock.after(Math.ceil(this.#waitMs(blocked)), () => this.#serve())
  }

  #next(): Waiting | null {
    return this.#waiting.find(({ priority }) => priority === 'status') ?? this.#waiting[0] ?? null
  }

  #waitMs({ priority }: Waiting): number {
    const needed = priority === 'status' ? 1 : 1 + Math.min(RESERVED_FOR_STATUS, this.#burst - 1)
    const forTokens = ((needed - this.#tokens) * 1_000) / this.#perSecond
    return Math.max(forTokens, this.#notBeforeMs - this.#clock.monotonicMs())
  }

  #refill(): void {
    const nowMs = this.#clock.monotonicMs()
    this.#tokens = Math.min(this.#burst, this.#tokens + ((nowMs - this.#countedMs) * this.#perSecond) / 1_000)
    this.#countedMs = nowMs
  }
}
