const EVERY_MS = 5_000

/** Says on stderr what is being measured and how far it is. */
export class Progress {
  readonly #startMs = performance.now()
  #saidMs = -Infinity

  /** A line of its own. */
  say(text: string): void {
    process.stderr.write(`bench ${this.#elapsed()}  ${text}\n`)
  }

  /** How far something is; said now and then. */
  step(what: string, done: number, total: number): void {
    if (performance.now() - this.#saidMs < EVERY_MS) return
    this.#saidMs = performance.now()
    this.say(`${what}  ${done}/${total}`)
  }

  #elapsed(): string {
    const seconds = Math.floor((performance.now() - this.#startMs) / 1_000)
    return `${String(Math.floor(seconds / 60)).padStart(2)}:${String(seconds % 60).padStart(2, '0')}`
  }
}
