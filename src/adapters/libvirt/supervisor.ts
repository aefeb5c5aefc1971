import type { BaseLogger } from 'pino'
import type { Clock } from '../../ports/clock.ts'
import { isNativeFailure } from './binding.ts'
import type { Link } from './link.ts'

const FIRST_RETRY_MS = 100
const LONGEST_RETRY_MS = 1_000
/** Attempts that libvirt took in but does not answer; each holds a thread. */
const MOST_ATTEMPTS = 3

export interface SupervisorParts {
  readonly clock: Clock
  readonly log: Pick<BaseLogger, 'info' | 'warn'>
  readonly logFields: Readonly<Record<string, string>>
  /** After this long an attempt counts as unanswered; it is kept, since a stopped libvirt may come back. */
  readonly patienceMs: number
  /** A link that is not open yet, and tells when it is lost. */
  readonly makeLink: (closed: (link: Link, why: string) => void) => Link
  readonly up: (link: Link) => void
  readonly down: (why: string) => void
}

/**
 * Keeps one link open: tries again at once when it is lost, then at growing intervals of at most a second.
 *
 *   down ──open──▶ up ──lost──▶ down ──100 ms, 200 ms … 1 s──▶ (next attempt)
 */
export class Supervisor {
  readonly #parts: SupervisorParts
  readonly #attempts = new Set<Link>()
  #link: Link | null = null
  #why = 'not connected yet'
  #retryMs = FIRST_RETRY_MS
  #scheduled = false
  #closed = false

  constructor(parts: SupervisorParts) {
    this.#parts = parts
  }

  get state(): { readonly up: boolean; readonly why: string } {
    return { up: this.#link !== null, why: this.#why }
  }

  start(): void {
    this.#attempt()
  }

  close(): void {
    this.#closed = true
    this.#link = null
    this.#why = 'closed'
    for (const link of this.#attempts) link.close()
  }

  #attempt(): void {
    if (this.#closed || this.#link !== null || this.#attempts.size >= MOST_ATTEMPTS) return
    const link = this.#parts.makeLink((lost, why) => this.#lost(lost, why))
    this.#attempts.add(link)
    const cancel = this.#parts.clock.after(this.#parts.patienceMs, () => this.#unanswered())
    link.open().then(
      () => this.#opened(link),
      (error: unknown) => this.#refused(link, error),
    ).finally(cancel)
  }

  #unanswered(): void {
    if (this.#link === null) this.#fail('libvirt does not answer')
  }

  #opened(link: Link): void {
    this.#attempts.delete(link)
    if (this.#closed || this.#link !== null || !link.isFree) return this.#discard(link)
    this.#link = link
    this.#why = 'connected'
    this.#retryMs = FIRST_RETRY_MS
    this.#parts.log.info(this.#parts.logFields, 'connected to libvirt')
    this.#parts.up(link)
  }

  /** Opened too late to be of use, or lost already. */
  #discard(link: Link): void {
    link.close()
    if (this.#link === null) this.#retry()
  }

  #refused(link: Link, error: unknown): void {
    this.#attempts.delete(link)
    link.close()
    if (this.#link === null) this.#fail(isNativeFailure(error) ? error.message : String(error))
  }

  #lost(link: Link, why: string): void {
    if (link !== this.#link) return
    this.#link = null
    this.#fail(why)
  }

  #fail(why: string): void {
    if (this.#closed) return
    const known = this.#why === why
    this.#why = why
    if (!known) this.#parts.log.warn({ ...this.#parts.logFields, why, retryMs: this.#retryMs }, 'no connection to libvirt')
    if (!known) this.#parts.down(why)
    this.#retry()
  }

  #retry(): void {
    if (this.#scheduled || this.#closed) return
    this.#scheduled = true
    this.#parts.clock.after(this.#retryMs, () => {
      this.#scheduled = false
      this.#attempt()
    })
    this.#retryMs = Math.min(this.#retryMs * 2, LONGEST_RETRY_MS)
  }
}
