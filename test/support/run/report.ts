/** What came of the tests: each name stands for one test, or for a file that broke as a whole. */
export interface Tally {
  passed: number
  readonly failed: string[]
  readonly skipped: string[]
}

interface Result {
  readonly name: string
  readonly fullname: string
  readonly level?: number
  readonly ok?: boolean
  readonly time?: number
  readonly skip?: string | boolean
  readonly todo?: string | boolean
  readonly diag?: Readonly<Record<string, unknown>>
}

/** Reads tap's own stream of results (`--reporter=jsonstream`), says how it goes and keeps the tally. */
export class Report {
  readonly tally: Tally = { passed: 0, failed: [], skipped: [] }
  readonly #say: (line: string) => void
  readonly #open = new Map<string, { before: number; failed: number }>()

  constructor(say: (line: string) => void) {
    this.#say = say
  }

  /** One line of the stream; anything else is shown as it is. */
  hear(line: string): void {
    if (!line.startsWith('["')) return line.trim() === '' ? undefined : this.#say(line)
    const [kind, result] = JSON.parse(line) as [string, Result]
    const { level = 0 } = result
    if (kind === 'start' && level === 1) this.#begin(result.name)
    else if (kind === 'end' && level === 1) this.#endFile(result)
    else if (kind === 'end' && level === 2) this.#count(result)
    else if (kind === 'skip' || kind === 'todo') this.#skip(result)
    else if (kind === 'fail') this.#fail(result)
    else if (kind === 'pass' && isDirect(result.fullname)) this.tally.passed++
  }

  /** Files that began and never ended are failures too: the stream was cut off. */
  end(): Tally {
    for (const file of this.#open.keys()) this.tally.failed.push(`${file}: did not end`)
    return this.tally
  }

  #begin(file: string): void {
    this.#open.set(file, { before: this.tally.passed, failed: this.tally.failed.length })
  }

  #count(result: Result): void {
    if (result.skip || result.todo) return this.#skip(result)
    if (result.ok) this.tally.passed++
    else this.tally.failed.push(result.fullname)
  }

  #endFile(result: Result): void {
    const start = this.#open.get(result.name)
    this.#open.delete(result.name)
    const passed = this.tally.passed - (start?.before ?? 0)
    const broke = !result.ok && this.tally.failed.length === start?.failed
    if (broke || result.skip === 'no tests found') this.tally.failed.push(`${result.name}: ${why(result)}`)
    this.#say(`${result.ok && !result.skip ? 'ok    ' : 'NOT OK'} ${result.name} (${passed} passed, ${((result.time ?? 0) / 1000).toFixed(1)} s)`)
  }

  #skip(result: Result): void {
    if (result.skip === 'no tests found') return
    this.tally.skipped.push(`${result.fullname}: ${String(result.skip ?? result.todo)}`)
  }

  #fail(result: Result): void {
    if (isDirect(result.fullname)) this.tally.failed.push(result.fullname)
    this.#say(`FAILED ${result.fullname}`)
    const { diff, stack, source: _source, at: _at, ...facts } = result.diag ?? {}
    for (const text of [diff, stack, Object.keys(facts).length > 0 && JSON.stringify(facts)]) {
      if (typeof text === 'string') this.#say(text.trimEnd().replace(/^/gm, '  | '))
    }
  }
}

/** An assertion of the file itself, in no test. */
const isDirect = (fullname: string): boolean => fullname.split(' > ').length <= 2

const why = ({ skip, diag }: Result): string =>
  typeof skip === 'string' ? skip : `ended with ${String(diag?.['signal'] ?? diag?.['exitCode'])} outside its tests`
