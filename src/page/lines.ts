/** Cuts a stream of text into lines; what comes after the last line break waits for more. */
export class Lines {
  #parts: string[] = []

  /** The lines that are complete by now. */
  take(text: string): readonly string[] {
    const [first = '', ...rest] = text.split('\n')
    this.#parts.push(first)
    const last = rest.pop()
    if (last === undefined) return []
    const lines = [this.#parts.join(''), ...rest]
    this.#parts = [last]
    return lines
  }
}
