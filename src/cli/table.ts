/** Rows under a head, columns aligned. Widths of earlier calls are kept, so that appended rows stay in line. */
export class Table {
  readonly #head: readonly string[]
  readonly #widths: number[]

  constructor(head: readonly string[]) {
    this.#head = head
    this.#widths = head.map(title => title.length)
  }

  /** The head and the rows. */
  full(rows: readonly (readonly string[])[]): readonly string[] {
    this.#fit(rows)
    return [this.#line(this.#head), ...rows.map(row => this.#line(row))]
  }

  /** Rows to append. */
  more(rows: readonly (readonly string[])[]): readonly string[] {
    this.#fit(rows)
    return rows.map(row => this.#line(row))
  }

  #fit(rows: readonly (readonly string[])[]): void {
    for (const row of rows) row.forEach((cell, column) => (this.#widths[column] = Math.max(this.#widths[column] ?? 0, printable(cell).length)))
  }

  #line(row: readonly string[]): string {
    return row.map((cell, column) => printable(cell === '' ? '-' : cell).padEnd(this.#widths[column] ?? 0)).join('   ').trimEnd()
  }
}

/** Names come from others: what would steer the terminal is shown as an escape. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, letter => `\\u{${(letter.codePointAt(0) ?? 0).toString(16)}}`)
}

/** `64Mi`, `1.5Gi`; empty where unknown. */
export function formatSize(bytes: number | undefined): string {
  if (bytes === undefined) return ''
  const units = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi']
  const power = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(bytes, 1)) / 10))
  const value = bytes / 1024 ** power
  return `${Number.isInteger(value) ? value : value.toFixed(1)}${units[power]}`
}
