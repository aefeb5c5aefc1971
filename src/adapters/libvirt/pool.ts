import type { Clock } from '../../ports/clock.ts'
import type { NativeConnection } from './binding.ts'
import type { Link, LinkWatcher } from './link.ts'

/** How long a call waits for one of the links that are there before another is opened. */
const GROW_AFTER_MS = 5
const OPEN_AGAIN_MS = 200
/** How long a link beyond the first may be idle. */
const IDLE_MS = 10_000

export type Call<T> = (native: NativeConnection) => Promise<T>

/** A call that was begun. `work` is its own end, whenever that is. */
export interface Started<T> {
  readonly work: Promise<T>
}

export interface PoolParts {
  readonly clock: Clock
  /** Opens one more link that tells the watcher; rejects if it cannot, or not in time. */
  readonly open: (watcher: LinkWatcher) => Promise<Link>
}

/**
 * Links to one libvirt for one kind of call. A call that is stuck must not hold up others, so another link is opened when
 * none comes free at once; it is closed when it is not needed any more.
 */
export class Pool {
  readonly #parts: PoolParts
  readonly #waiting: ((link: Link) => void)[] = []
  readonly #links: Link[] = []
  #growing = false
  #closed = false
  /** For the links of this pool. */
  readonly watcher: LinkWatcher = {
    ended: (link) => this.#ended(link),
    closed: (link) => this.#remove(link),
  }

  constructor(parts: PoolParts) {
    this.#parts = parts
  }

  /** Takes a link over that was opened elsewhere. */
  add(link: Link): void {
    this.#links.push(link)
    this.#serve()
  }

  /** Begins the call as soon as a link is free; null if none is within `patienceMs`: then it is not begun at all. */
  start<T>(call: Call<T>, patienceMs: number): Promise<Started<T> | null> {
    const link = this.#waiting.length === 0 ? this.#free() : undefined
    if (link !== undefined) return Promise.resolve({ work: link.run(call) })
    return this.#wait(call, patienceMs)
  }

  /** Opens the first link ahead of the first call. */
  warm(): void {
    if (this.#links.length === 0) this.#growAfter(0)
  }

  /** Gives no more calls to the present links; each closes when its call has ended. */
  retire(): void {
    for (const link of this.#links.splice(0)) link.retire()
  }

  /** Ends every call. */
  close(): void {
    this.#closed = true
    for (const link of this.#links.splice(0)) link.close()
  }

  #serve(): void {
    for (let link = this.#free(); link !== undefined && this.#waiting.length > 0; link = this.#free()) {
      this.#waiting.shift()?.(link)
    }
  }

  #free(): Link | undefined {
    return this.#links.find((link) => link.isFree)
  }

  #wait<T>(call: Call<T>, patienceMs: number): Promise<Started<T> | null> {
    return new Promise((resolve) => {
      const begin = (link: Link) => {
        cancel()
        resolve({ work: link.run(call) })
      }
      const cancel = this.#parts.clock.after(patienceMs, () => {
        this.#waiting.splice(this.#waiting.indexOf(begin), 1)
        resolve(null)
      })
      this.#waiting.push(begin)
      this.#growAfter(this.#links.length === 0 ? 0 : GROW_AFTER_MS)
    })
  }

  #growAfter(delayMs: number): void {
    if (this.#growing) return
    this.#growing = true
    this.#parts.clock.after(delayMs, () => void this.#grow())
  }

  async #grow(): Promise<void> {
    const wanted = !this.#closed && (this.#waiting.length > 0 || this.#links.length === 0)
    const opened = wanted ? await this.#open() : true
    this.#growing = false
    if (this.#waiting.length > 0 && !this.#closed) this.#growAfter(opened ? 0 : OPEN_AGAIN_MS)
  }

  async #open(): Promise<boolean> {
    try {
      const link = await this.#parts.open(this.watcher)
      if (this.#closed) link.close()
      else this.add(link)
      return true
    } catch {
      return false // the connection that is watched tells why; here only the calls that wait run out of patience
    }
  }

  #ended(link: Link): void {
    this.#serve()
    if (this.#isSpare(link)) this.#parts.clock.after(IDLE_MS, () => this.#drop(link))
  }

  #isSpare(link: Link): boolean {
    return link.isFree && this.#links.indexOf(link) > 0
  }

  #drop(link: Link): void {
    if (!this.#isSpare(link)) return
    this.#remove(link)
    link.close()
  }

  #remove(link: Link): void {
    const at = this.#links.indexOf(link)
    if (at >= 0) this.#links.splice(at, 1)
  }
}
