/** One step as it went. */
export interface StepRecord {
  readonly title: string
  readonly durationMs: number
}

const INDENT = '          '
const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`

/** Shows each step while it happens: its title when it begins, what it says, and the time that it took. */
export class Show {
  readonly steps: StepRecord[] = []
  readonly #print: (text: string) => void
  readonly #began = performance.now()

  constructor(print: (text: string) => void) {
    this.#print = print
  }

  /** Since the beginning. */
  get elapsedMs(): number {
    return performance.now() - this.#began
  }

  async step<T>(title: string, act: () => Promise<T>): Promise<T> {
    const start = performance.now()
    this.#print(`\n${seconds(this.elapsedMs).padStart(8)}  ${title}`)
    const result = await act()
    const durationMs = performance.now() - start
    this.steps.push({ title, durationMs })
    this.line(`took ${seconds(durationMs)}`)
    return result
  }

  /** Something that belongs to the present step. */
  line(text: string): void {
    this.#print(text.trimEnd().replace(/^/gm, INDENT))
  }

  /** Something that belongs to no step. */
  plain(text: string): void {
    this.#print(text)
  }
}
