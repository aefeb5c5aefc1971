const MOST_LINES = 1_000
const MOST_LETTERS = 256 * 1024

/** The last lines of a log, oldest first; bounded in number and length, so that it costs the same for ever. */
export class RecentLines {
  readonly #lines: string[] = []
  #letters = 0

  add(line: string): void {
    this.#lines.push(line)
    this.#letters += line.length
    while (this.#lines.length > MOST_LINES || (this.#letters > MOST_LETTERS && this.#lines.length > 1)) this.#letters -= this.#lines.shift()?.length ?? 0
  }

  all(): readonly string[] {
    return this.#lines
  }
}
