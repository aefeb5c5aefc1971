import type { BaseLogger } from 'pino'
import { asHotplugError } from '../../errors.ts'
import { readVmi, type Vmi } from '../../core/vmi.ts'
import type { Clock } from '../../ports/clock.ts'
import type { ApiClient } from './api-client.ts'
import { retryAfterOf } from './api-failure.ts'
import { vmiPath } from './paths.ts'

/** A VMI that this node has to do with, although the mirror of this node's VMIs does not hold it. */
export interface Missing {
  readonly uid: string
  readonly namespace: string
  readonly name: string
}

/** What became of it. `unknown`: the API server was not able to tell yet. */
export type Whereabouts = { readonly kind: 'unknown' } | { readonly kind: 'elsewhere'; readonly vmi: Vmi } | { readonly kind: 'gone' }

export interface WhereaboutsOptions {
  readonly client: Pick<ApiClient, 'get'>
  readonly clock: Clock
  readonly log: BaseLogger
  readonly onAnswer: () => void
}

const UNKNOWN: Whereabouts = { kind: 'unknown' }
const FIRST_RETRY_MS = 200
const LONGEST_RETRY_MS = 4_000

/**
 * Asks for VMIs one by one: a watch by label tells only that one left, not whether it was deleted, moved, or lost its label.
 * Nothing is taken for gone before the API server has said so.
 */
export class WhereaboutsOfVmis {
  readonly #options: WhereaboutsOptions
  readonly #known = new Map<string, Whereabouts>()
  #closed = false

  constructor(options: WhereaboutsOptions) {
    this.#options = options
  }

  /** These, and no others, are to be asked about. One that was answered is not asked again for as long as it is among them. */
  seek(missing: readonly Missing[]): void {
    const uids = new Set(missing.map(({ uid }) => uid))
    for (const uid of this.#known.keys()) if (!uids.has(uid)) this.#known.delete(uid)
    for (const one of missing) {
      if (this.#known.has(one.uid)) continue
      this.#known.set(one.uid, UNKNOWN)
      void this.#ask(one, FIRST_RETRY_MS)
    }
  }

  of(uid: string): Whereabouts {
    return this.#known.get(uid) ?? UNKNOWN
  }

  close(): void {
    this.#closed = true
    this.#known.clear()
  }

  async #ask(one: Missing, retryMs: number): Promise<void> {
    try {
      const found = readVmi(await this.#options.client.get(vmiPath(one)))
      this.#answer(one, found?.uid === one.uid ? { kind: 'elsewhere', vmi: found } : { kind: 'gone' })
    } catch (thrown) {
      this.#again(one, Math.max(retryMs, retryAfterOf(asHotplugError(thrown))), thrown)
    }
  }

  #again(one: Missing, retryMs: number, thrown: unknown): void {
    if (this.#closed) return
    this.#options.log.debug({ vm: `${one.namespace}/${one.name}`, uid: one.uid, err: thrown }, 'what became of the VMI is not known yet')
    this.#options.clock.after(retryMs, () => {
      if (this.#known.has(one.uid)) void this.#ask(one, Math.min(retryMs * 2, LONGEST_RETRY_MS))
    })
  }

  #answer(one: Missing, answer: Whereabouts): void {
    if (this.#closed || !this.#known.has(one.uid)) return
    this.#known.set(one.uid, answer)
    this.#options.log.info({ vm: `${one.namespace}/${one.name}`, uid: one.uid, answer: answer.kind }, 'a VMI has left this node')
    this.#options.onAnswer()
  }
}
