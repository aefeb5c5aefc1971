import type { BaseLogger } from 'pino'
import { asHotplugError, HotplugError } from '../../../errors.ts'
import type { Clock } from '../../../ports/clock.ts'
import type { ApiClient, Query } from '../api/api-client.ts'
import { retryAfterOf } from '../api/api-failure.ts'
import { Backoff } from '../api/backoff.ts'
import { type Change, type Mirrored, ObjectStore } from './object-store.ts'
import { REFLECTOR_TIMES, type ReflectorTimes } from './reflector-times.ts'
import { BadWatch, type WatchEvent, watchEvents } from './watch-lines.ts'

/** What to mirror, and how. */
export interface ReflectorOptions<T extends Mirrored> {
  /** For logs and metrics: `vmis`. */
  readonly name: string
  readonly path: string
  /** Label and field selectors. */
  readonly query?: Query
  /** The part of an object that is kept; null for one that cannot be told from others. Everything else is dropped at once. */
  readonly read: (object: unknown) => T | null
  readonly onChange: (changes: readonly Change<T>[]) => void
  /** Its reach, age or trouble changed. */
  readonly onState?: () => void
  readonly client: Pick<ApiClient, 'list' | 'watch'>
  readonly clock: Clock
  readonly log: BaseLogger
  readonly times?: Partial<ReflectorTimes>
}

/** How a mirror stands, for readiness and metrics. */
export interface ReflectorState {
  readonly name: string
  /** A whole list was read once; since then the mirror is never emptied by a failure. */
  readonly synced: boolean
  /** Why the server cannot be read at present; null while all is well. */
  readonly trouble: HotplugError | null
  /** Since the server last said anything. */
  readonly ageMs: number
  readonly objects: number
  readonly watches: number
  readonly lists: number
  readonly failures: number
  /** Lines that could not be read, watches that broke off within one. */
  readonly badLines: number
  readonly hangs: number
}

/** An API server that starts forbids everything for a moment, until it has read its own rules. */
const PASSING_REFUSALS = 6
/** A watch that ended sooner without a word was not ended by its time. */
const SHORT_MS = 1_000

/**
 * Mirrors one kind of objects: lists them page by page, watches from there, resumes where a watch ended, and lists again
 * when the server has forgotten that far back. What it mirrored stays while the server is away.
 */
export class Reflector<T extends Mirrored> {
  readonly store = new ObjectStore<T>()
  readonly #options: ReflectorOptions<T>
  readonly #times: ReflectorTimes
  readonly #backoff: Backoff
  readonly #counts = { watches: 0, lists: 0, failures: 0, badLines: 0, hangs: 0 }
  #resumeFrom: string | null = null
  /** Where the last watch was that could not be believed. */
  #badFrom: string | null = null
  #synced = false
  #trouble: HotplugError | null = null
  #heardMs: number
  #closed = false
  #watching: AbortController | null = null
  #wake: () => void = () => {}
  #running: Promise<void> | null = null

  constructor(options: ReflectorOptions<T>) {
    this.#options = options
    this.#times = { ...REFLECTOR_TIMES, ...options.times }
    this.#backoff = new Backoff({ firstMs: this.#times.firstBackoffMs, longestMs: this.#times.longestBackoffMs })
    this.#heardMs = options.clock.monotonicMs()
  }

  /** Begins, once. */
  start(): void {
    this.#running ??= this.#run()
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#watching?.abort()
    this.#wake()
    await this.#running
  }

  /** Takes over an object that came by another way, such as the answer to a write. */
  observe(object: unknown): void {
    const read = this.#options.read(object)
    if (read !== null && this.store.get(read.uid) !== undefined) this.#tell(this.store.put(read))
  }

  state(): ReflectorState {
    const ageMs = this.#options.clock.monotonicMs() - this.#heardMs
    return { name: this.#options.name, synced: this.#synced, trouble: this.#trouble, ageMs, objects: [...this.store.all()].length, ...this.#counts }
  }

  async #run(): Promise<void> {
    while (!this.#closed) {
      try {
        if (this.#resumeFrom === null) this.#resumeFrom = await this.#list()
        else if (this.#times.pollMs === null) await this.#watch(this.#resumeFrom)
        else await this.#pollAgain(this.#times.pollMs)
      } catch (thrown) {
        if (!this.#closed) await this.#failed(asHotplugError(thrown))
      }
    }
  }

  async #pollAgain(pollMs: number): Promise<void> {
    await this.#pause(pollMs * (1 + Math.random() / 4))
    this.#expire()
  }

  /** Reads everything; nothing is changed before the last page was understood. Answers where to watch from. */
  async #list(): Promise<string | null> {
    const { client, path, query, read } = this.#options
    const objects: T[] = []
    let resourceVersion: string | null = null
    for await (const page of client.list(path, { ...query, limit: this.#times.pageSize })) {
      if (page === 'expired') return null
      objects.push(...page.items.map((item) => readListed(item, read)))
      resourceVersion = page.resourceVersion
      if (this.#closed) return null
    }
    this.#counts.lists++
    this.#heard()
    const isFirst = !this.#synced
    this.#synced = true
    this.#tell(this.store.replace(objects))
    if (isFirst) this.#options.onState?.()
    return resourceVersion
  }

  async #watch(from: string): Promise<void> {
    const { client, path, query, clock } = this.#options
    const seconds = Math.round(this.#times.watchSeconds * (1 + Math.random() / 4))
    const watching = new AbortController()
    this.#watching = watching
    const startedMs = clock.monotonicMs()
    const stopTimer = clock.after(seconds * 1_000 + this.#times.graceMs, () => watching.abort(this.#hung()))
    try {
      const parameters = { ...query, resourceVersion: from, allowWatchBookmarks: true, timeoutSeconds: seconds }
      const started = await client.watch(path, parameters, watching)
      this.#counts.watches++
      if (started.kind === 'expired') return this.#expire()
      this.#reached()
      for await (const events of watchEvents(started.body)) {
        this.#take(events)
        if (this.#resumeFrom === null) break
      }
      this.#badFrom = null
      this.#heard()
    } catch (thrown) {
      throw this.#whyEnded(thrown, watching.signal)
    } finally {
      stopTimer()
      watching.abort()
      this.#watching = null
    }
    if (clock.monotonicMs() - startedMs < Math.min(SHORT_MS, seconds * 500)) await this.#pause(this.#times.firstBackoffMs)
  }

  /** What is bad twice at the same place will not get better by being asked for once more. */
  #whyEnded(thrown: unknown, { aborted, reason }: AbortSignal): unknown {
    if (aborted && !this.#closed) return reason
    if (thrown instanceof BadWatch && this.#badFrom === this.#resumeFrom) this.#expire()
    if (thrown instanceof BadWatch) this.#badFrom = this.#resumeFrom
    return brokenOff(thrown)
  }

  #take(events: readonly WatchEvent[]): void {
    this.#heard()
    const changes: Change<T>[] = []
    for (const event of events) {
      if (event.kind === 'expired') this.#expire()
      else this.#resumeFrom = event.resourceVersion
      changes.push(...this.#apply(event))
    }
    this.#tell(changes)
  }

  #apply(event: WatchEvent): Change<T>[] {
    if (event.kind === 'expired' || event.kind === 'bookmark') return []
    const object = this.#options.read(event.object)
    if (object === null) return []
    return event.kind === 'changed' ? this.store.put(object) : this.store.remove(object.uid)
  }

  #expire(): void {
    this.#resumeFrom = null
  }

  #hung(): HotplugError {
    this.#counts.hangs++
    return new HotplugError('ApiServerUnavailable', `the watch of ${this.#options.name} hangs: it did not end when it was to`)
  }

  /** What the server said was understood. */
  #heard(): void {
    this.#backoff.reset()
    this.#reached()
  }

  /** It answers. */
  #reached(): void {
    this.#heardMs = this.#options.clock.monotonicMs()
    if (this.#trouble === null) return
    this.#options.log.info({ watch: this.#options.name }, 'API server can be read again')
    this.#trouble = null
    this.#options.onState?.()
  }

  async #failed(error: HotplugError): Promise<void> {
    this.#counts.failures++
    if (error instanceof BadWatch) this.#counts.badLines++
    const isNew = this.#trouble?.message !== error.message
    this.#trouble = error
    if (isNew) this.#options.log.warn({ watch: this.#options.name, reason: error.reason, remedy: error.remedy, detail: error.detail, err: error }, 'API server cannot be read')
    if (isNew) this.#options.onState?.()
    const isRefused = error.reason === 'ApiForbidden' || error.reason === 'ApiRefused'
    const isForLong = isRefused && this.#backoff.failures >= PASSING_REFUSALS
    const delayMs = this.#backoff.next()
    await this.#pause(Math.max(isForLong ? this.#times.refusedMs : delayMs, retryAfterOf(error)))
  }

  async #pause(ms: number): Promise<void> {
    if (this.#closed) return
    await new Promise<void>((resolve) => {
      const cancel = this.#options.clock.after(ms, resolve)
      this.#wake = () => {
        cancel()
        resolve()
      }
    })
  }

  #tell(changes: readonly Change<T>[]): void {
    if (changes.length > 0) this.#options.onChange(changes)
  }
}

/** An object of a list that cannot be told from others makes the list one that was not read whole. */
function readListed<T>(item: unknown, read: (object: unknown) => T | null): T {
  const object = read(item)
  if (object !== null) return object
  throw new HotplugError('ApiServerUnavailable', 'the list holds an object without a name, UID or version')
}

function brokenOff(thrown: unknown): HotplugError {
  if (thrown instanceof HotplugError) return thrown
  return new HotplugError('ApiServerUnavailable', `the watch broke off: ${thrown instanceof Error ? thrown.message : String(thrown)}`, { cause: thrown })
}
