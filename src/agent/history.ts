import type { Clock } from '../ports/clock.ts'
import type { HistoryEntry } from './api.ts'

/** The last things that happened, oldest first; bounded, so that it costs the same for ever. */
export class History {
  readonly #limit: number
  readonly #clock: Clock
  readonly #entries: HistoryEntry[] = []

  constructor(clock: Clock, limit = 1_000) {
    this.#clock = clock
    this.#limit = limit
  }

  add(entry: Omit<HistoryEntry, 'at'>): void {
    this.#entries.push({ at: new Date(this.#clock.now()).toISOString(), ...entry })
    if (this.#entries.length > this.#limit) this.#entries.shift()
  }

  all(): readonly HistoryEntry[] {
    return this.#entries
  }
}
