import { addon, type NativeConnection, type NativeListener, type NativeOptions } from './binding.ts'

/** What becomes of a link. */
export interface LinkWatcher {
  /** The link's call has ended: it is free again, unless it was closed. */
  ended(link: Link): void
  /** The connection was lost. Its call ends by itself. */
  closed(link: Link, why: string): void
  /** Only links that were opened for events tell them. */
  readonly event?: NativeListener
}

/** One connection, which carries one call at a time: a call behind one that is stuck would be stuck, too. */
export class Link {
  readonly #native: NativeConnection
  readonly #watcher: LinkWatcher
  #busy = false
  #retired = false

  constructor(options: NativeOptions, watcher: LinkWatcher) {
    this.#watcher = watcher
    this.#native = new addon.Connection(options, (kind, domain, detail) => {
      if (kind !== 'closed') return watcher.event?.(kind, domain, detail)
      this.retire()
      watcher.closed(this, detail)
    })
  }

  /** Takes a call now. */
  get isFree(): boolean {
    return !this.#busy && !this.#retired
  }

  /** Rejects with NativeFailure; the link is of no use then. */
  open(): Promise<void> {
    return this.#native.open()
  }

  /** Only while free. It is busy until the call really ends, however late that is. */
  run<T>(call: (native: NativeConnection) => Promise<T>): Promise<T> {
    this.#busy = true
    const work = (async () => call(this.#native))() // what is thrown at once is a call that has ended, too
    const ended = () => this.#end()
    work.then(ended, ended)
    return work
  }

  /** Takes no more calls, and closes when the present one has ended. */
  retire(): void {
    this.#retired = true
    if (!this.#busy) this.#native.close()
  }

  /** Ends its call at once as cut off. */
  close(): void {
    this.#retired = true
    this.#native.close()
  }

  #end(): void {
    this.#busy = false
    if (this.#retired) this.#native.close()
    this.#watcher.ended(this)
  }
}
