import type { BaseLogger } from 'pino'
import { asHotplugError } from '../../../errors.ts'
import type { Clock } from '../../../ports/clock.ts'
import type { ApiClient } from '../api/api-client.ts'
import { retryAfterOf } from '../api/api-failure.ts'

/** An object that this node has to do with, although the mirror does not hold it. */
export interface Missing {
  readonly uid: string
  readonly namespace: string
  readonly name: string
}

/** What became of it. `unknown`: the API server was not able to tell yet; `why` is empty before it was asked. */
export type Whereabouts<T> = { readonly kind: 'unknown'; readonly why: string } | { readonly kind: 'there'; readonly object: T } | { readonly kind: 'gone' }

export interface InquiryOptions<T extends { readonly uid: string }> {
  /** For logs: `VMI`. */
  readonly what: string
  readonly path: (missing: Missing) => string
  readonly read: (object: unknown) => T | null
  readonly client: Pick<ApiClient, 'get'>
  readonly clock: Clock
  readonly log: BaseLogger
  readonly onAnswer: () => void
  /** What is there, outside every watch, is asked for again after this. @default 15000 */
  readonly againMs?: number
}

const UNKNOWN = { kind: 'unknown', why: '' } as const
const FIRST_RETRY_MS = 200
const LONGEST_RETRY_MS = 4_000
const AGAIN_MS = 15_000

/**
 * Asks for objects one by one: a watch by label tells only that one left, not whether it was deleted, moved, or lost its
 * label. Nothing is taken for gone before the API server has said so.
 */
export class Inquiries<T extends { readonly uid: string }> {
  readonly #options: InquiryOptions<T>
  readonly #known = new Map<string, Whereabouts<T>>()
  #closed = false

  constructor(options: InquiryOptions<T>) {
    this.#options = options
  }

  /** These, and no others, are to be asked about, for as long as they are among them. */
  seek(missing: readonly Missing[]): void {
    const uids = new Set(missing.map(({ uid }) => uid))
    for (const uid of this.#known.keys()) if (!uids.has(uid)) this.#known.delete(uid)
    for (const one of missing) {
      if (this.#known.has(one.uid)) continue
      this.#known.set(one.uid, UNKNOWN)
      void this.#ask(one, FIRST_RETRY_MS)
    }
  }

  of(uid: string): Whereabouts<T> {
    return this.#known.get(uid) ?? UNKNOWN
  }

  close(): void {
    this.#closed = true
    this.#known.clear()
  }

  async #ask(one: Missing, retryMs: number): Promise<void> {
    const { client, path, read, log, what } = this.#options
    try {
      const found = read(await client.get(path(one)))
      const isThere = found !== null && found.uid === one.uid
      this.#answer(one, isThere ? { kind: 'there', object: found } : { kind: 'gone' })
      if (isThere) this.#again(one, this.#options.againMs ?? AGAIN_MS, FIRST_RETRY_MS)
    } catch (thrown) {
      const error = asHotplugError(thrown)
      log.debug({ what, name: `${one.namespace}/${one.name}`, uid: one.uid, err: error }, 'what became of it is not known yet')
      if (this.of(one.uid).kind === 'unknown') this.#answer(one, { kind: 'unknown', why: error.message })
      this.#again(one, Math.max(retryMs, retryAfterOf(error)), Math.min(retryMs * 2, LONGEST_RETRY_MS))
    }
  }

  #again(one: Missing, afterMs: number, nextRetryMs: number): void {
    if (this.#closed) return
    this.#options.clock.after(afterMs, () => {
      if (this.#known.has(one.uid)) void this.#ask(one, nextRetryMs)
    })
  }

  #answer(one: Missing, answer: Whereabouts<T>): void {
    if (this.#closed || !this.#known.has(one.uid)) return
    const { log, what, onAnswer } = this.#options
    if (this.of(one.uid).kind !== answer.kind) log.info({ what, name: `${one.namespace}/${one.name}`, uid: one.uid, answer: answer.kind }, 'asked for what had left the watch')
    const isNews = JSON.stringify(this.of(one.uid)) !== JSON.stringify(answer)
    this.#known.set(one.uid, answer)
    if (isNews) onAnswer()
  }
}
