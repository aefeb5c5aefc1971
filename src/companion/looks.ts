import type { Clock } from '../ports/clock.ts'

/** A look that takes longer does not hold back what is known already. */
const PATIENCE_MS = 1_000

/** Has something looked at again and again as often as is asked for, one look at a time, none asked for in vain. */
export class Looks<K> {
  readonly #clock: Clock
  readonly #look: (key: K) => Promise<void>
  readonly #seen: (key: K) => void
  readonly #asked = new Set<K>()
  readonly #running = new Set<K>()
  #closed = false

  /** `seen` is called after each look, and in between where a look takes long. */
  constructor(clock: Clock, look: (key: K) => Promise<void>, seen: (key: K) => void) {
    this.#clock = clock
    this.#look = look
    this.#seen = seen
  }

  ask(key: K): void {
    this.#asked.add(key)
    if (!this.#running.has(key)) void this.#run(key)
  }

  close(): void {
    this.#closed = true
    this.#asked.clear()
  }

  async #run(key: K): Promise<void> {
    this.#running.add(key)
    while (this.#asked.delete(key)) {
      const cancel = this.#clock.after(PATIENCE_MS, () => this.#tell(key))
      await this.#look(key)
      cancel()
      this.#tell(key)
    }
    this.#running.delete(key)
  }

  #tell(key: K): void {
    if (!this.#closed) this.#seen(key)
  }
}
