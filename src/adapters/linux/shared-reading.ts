/**
 * A reading of the world that several callers share. Nobody gets one that began before the call, so it is as fresh as
 * an own one; at most one runs while at most one waits, however many ask and however long it hangs.
 */
export class SharedReading<T> {
  readonly #read: () => Promise<T>
  #running: Promise<void> | null = null
  #next: Promise<T> | null = null

  constructor(read: () => Promise<T>) {
    this.#read = read
  }

  get isIdle(): boolean {
    return this.#running === null && this.#next === null
  }

  now(): Promise<T> {
    if (this.#next !== null) return this.#next
    if (this.#running === null) return this.#start()
    this.#next = this.#running.then(() => this.#start())
    return this.#next
  }

  async #start(): Promise<T> {
    this.#next = null
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#running = promise
    try {
      return await this.#read()
    } finally {
      this.#running = null
      resolve()
    }
  }
}

/** Shared readings by their operands: a source whose server is dead keeps one thread, however often it is asked for. */
export class SharedReadings<T> {
  readonly #readings = new Map<string, SharedReading<T>>()

  async now(operands: string, read: () => Promise<T>): Promise<T> {
    const reading = this.#readings.get(operands) ?? new SharedReading(read)
    this.#readings.set(operands, reading)
    try {
      return await reading.now()
    } finally {
      if (reading.isIdle && this.#readings.get(operands) === reading) this.#readings.delete(operands)
    }
  }
}
