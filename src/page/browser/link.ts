import { Lines } from '../lines.ts'
import type { SeenVms, VmEvent } from '../seen-vms.ts'
import { ask, Unseen, WATCH } from './api.ts'

/** How the page stands to hotplugd. */
export type LinkState =
  | { readonly kind: 'connecting' }
  | { readonly kind: 'live' }
  /** What is shown is of `lastMs`, and it is tried again. */
  | { readonly kind: 'lost'; readonly why: string; readonly isOver: boolean; readonly lastMs: number | null }

const FIRST_PAUSE_MS = 500
const LONGEST_PAUSE_MS = 8_000

/** Follows the watch for ever: after a cut it begins a new one, and says so meanwhile. */
export class Link {
  readonly #vms: SeenVms
  readonly #onNews: () => void
  #state: LinkState = { kind: 'connecting' }
  #lastMs: number | null = null
  #pauseMs = FIRST_PAUSE_MS
  #cut = new AbortController()

  constructor(vms: SeenVms, onNews: () => void) {
    this.#vms = vms
    this.#onNews = onNews
  }

  get state(): LinkState {
    return this.#state
  }

  async run(): Promise<never> {
    for (;;) {
      this.#cut = new AbortController()
      const error = await this.#follow(this.#cut.signal).catch((thrown: unknown) => thrown)
      this.lose(error instanceof Unseen ? error : new Unseen('the connection ended'))
      await new Promise(resolve => setTimeout(resolve, this.#pauseMs))
      this.#pauseMs = Math.min(this.#pauseMs * 2, LONGEST_PAUSE_MS)
    }
  }

  /** Nothing comes any more, whatever the stream says: it is begun anew. */
  lose({ message, isOver }: Unseen): void {
    this.#state = { kind: 'lost', why: message, isOver, lastMs: this.#lastMs }
    this.#cut.abort()
    this.#onNews()
  }

  async #follow(signal: AbortSignal): Promise<void> {
    const { body } = await ask(WATCH, signal)
    if (body === null) return
    const lines = new Lines()
    this.#vms.begin()
    // Not every browser can iterate over a stream.
    const reader = body.pipeThrough(new TextDecoderStream()).getReader()
    for (let read = await reader.read(); !read.done; read = await reader.read()) this.#take(lines.take(read.value))
  }

  #take(lines: readonly string[]): void {
    for (const line of lines) this.#vms.take(JSON.parse(line) as VmEvent)
    if (this.#vms.isWhole) {
      this.#state = { kind: 'live' }
      this.#pauseMs = FIRST_PAUSE_MS
    }
    this.#lastMs = Date.now()
    this.#onNews()
  }
}
