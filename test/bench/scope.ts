import type { Teardown } from '../support/lab.ts'

/** Collects what ends the things that a run has begun. A lab or daemon takes it where a test gives its `t`. */
export class Scope implements Teardown {
  readonly #handlers: (() => unknown)[] = []
  #ending: Promise<void> | null = null

  /** What is begun while the end is under way is ended at once. */
  teardown(handler: () => unknown): void {
    if (this.#ending === null) this.#handlers.push(handler)
    else void this.#run(handler)
  }

  get isEnding(): boolean {
    return this.#ending !== null
  }

  /** A scope within this one, which may end earlier. */
  inner(): Scope {
    const scope = new Scope()
    this.teardown(() => scope.end())
    return scope
  }

  /** Ends everything, the youngest first, whatever one of them throws. Safe to call twice. */
  end(): Promise<void> {
    this.#ending ??= this.#endAll()
    return this.#ending
  }

  async #endAll(): Promise<void> {
    for (const handler of this.#handlers.splice(0).toReversed()) await this.#run(handler)
  }

  async #run(handler: () => unknown): Promise<void> {
    try {
      await handler()
    } catch (error) {
      process.stderr.write(`bench: while cleaning up: ${error instanceof Error ? error.message : String(error)}\n`)
    }
  }
}
