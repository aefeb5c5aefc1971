import { addon, CALLS_IN_FLIGHT, type NativeConnection, type NativeListener, type NativeOptions } from './binding.ts'

/** What becomes of a link. */
export interface LinkWatcher {
  /** A call of the link has ended: it has room again, unless it was closed. */
  ended(link: Link): void
  /** The connection was lost. Its calls end by themselves. */
  closed(link: Link, why: string): void
  /** Only links that were opened for events tell them. */
  readonly event?: NativeListener
}

/** One connection and how busy it is. */
export class Link {
  readonly #native: NativeConnection
  readonly #watcher: LinkWatcher
  #inFlight = 0
  #retired = false

  constructor(options: NativeOptions, watcher: LinkWatcher) {
    this.#watcher = watcher
    this.#native = new addon.Connection(options, (kind, domain, detail) => {
      if (kind !== 'closed') return watcher.event?.(kind, domain, detail)
      this.retire()
      watcher.closed(this, detail)
    })
  }

  get hasRoom(): boolean {
    return !this.#retired && this.#inFlight < CALLS_IN_FLIGHT
  }

  get isIdle(): boolean {
    return this.#inFlight === 0
  }

  /** Rejects with NativeFailure; the link is of no use then. */
  open(): Promise<void> {
    return this.#native.open()
  }

  /** Counts the call from now on until it really ends, however late that is. */
  run<T>(call: (native: NativeConnection) => Promise<T>): Promise<T> {
    this.#inFlight++
    const work = (async () => call(this.#native))() // what is thrown at once is a call that has ended, too
    const ended = () => this.#end()
    work.then(ended, ended)
    return work
  }

  /** Takes no more calls, and closes when the last one has ended. */
  retire(): void {
    this.#retired = true
    if (this.isIdle) this.#native.close()
  }

  /** Ends every call at once as cut off. */
  close(): void {
    this.#retired = true
    this.#native.close()
  }

  #end(): void {
    this.#inFlight--
    if (this.#retired && this.isIdle) this.#native.close()
    this.#watcher.ended(this)
  }
}
