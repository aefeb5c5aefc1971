import type { BaseLogger } from 'pino'
import type { Clock } from '../../ports/clock.ts'
import type { NativeListener } from './binding.ts'
import { LATE, within } from './late.ts'
import { Link, type LinkWatcher } from './link.ts'
import { readFailure, unavailable, type Exclusive } from './outcome.ts'
import { Pool, type Call } from './pool.ts'
import { Supervisor } from './supervisor.ts'
import { Turns } from './turns.ts'
import type { Place } from './uri.ts'

export type Log = Pick<BaseLogger, 'debug' | 'info' | 'warn' | 'error'>

export interface HypervisorOptions {
  readonly place: Place
  readonly log: Log
  /** Which libvirt a line of the log is about. */
  readonly logFields: Readonly<Record<string, string>>
  readonly clock: Clock
  /** After this long a call counts as not answered. */
  readonly callDeadlineMs: number
  readonly keepAliveIntervalS: number
  readonly keepAliveCount: number
  readonly onEvent: NativeListener
  readonly onConnection: (up: boolean, why: string) => void
}

/** One libvirt: a supervised connection for reads and events, further ones for calls that may get stuck in a QEMU. */
export class Hypervisor {
  readonly #options: HypervisorOptions
  readonly #turns: Turns
  readonly #reads: Pool
  readonly #acts: Pool
  readonly #supervisor: Supervisor

  constructor(options: HypervisorOptions) {
    this.#options = options
    const parts = { clock: options.clock, open: (watcher: LinkWatcher) => this.#openLink(watcher) }
    this.#turns = new Turns(options.clock)
    this.#reads = new Pool(parts)
    this.#acts = new Pool(parts)
    this.#supervisor = new Supervisor({
      clock: options.clock,
      log: options.log,
      logFields: options.logFields,
      patienceMs: options.callDeadlineMs,
      makeLink: (closed) => this.#eventLink(closed),
      up: (link) => this.#up(link),
      down: (why) => this.#down(why),
    })
  }

  get connection(): { readonly up: boolean; readonly why: string } {
    return this.#supervisor.state
  }

  get runDirs(): readonly string[] {
    return this.#options.place.runDirs
  }

  start(): void {
    this.#supervisor.start()
  }

  close(): void {
    this.#supervisor.close()
    this.#reads.close()
    this.#acts.close()
  }

  /** A call that changes nothing and waits for no QEMU. Throws HotplugError `LibvirtUnavailable`. */
  async read<T>(what: string, call: Call<T>): Promise<T> {
    this.#requireUp(what)
    try {
      const started = await this.#reads.start(call, this.#options.callDeadlineMs)
      const value = started === null ? LATE : await this.#inTime(started.work)
      if (value !== LATE) return value
    } catch (error) {
      throw readFailure(what, error)
    }
    throw unavailable(`${what}: no answer within ${this.#options.callDeadlineMs} ms`)
  }

  /**
   * A call that has the domain to itself until it has really ended, also past its deadline. Throws NativeFailure as the
   * call does, and HotplugError `LibvirtUnavailable` if it could not be begun.
   */
  async alone<T>(domain: string, call: Call<T>): Promise<Exclusive<T>> {
    this.#requireUp(domain)
    const release = await this.#turns.take(domain, this.#options.callDeadlineMs)
    if (release === null) return { kind: 'busy', message: 'an earlier call on the domain has not ended' }
    const started = await this.#begin(call)
    if (started === null) {
      release()
      throw unavailable(`${domain}: no connection came free within ${this.#options.callDeadlineMs} ms`)
    }
    const settled = started.work.then(release, release)
    const value = await this.#inTime(started.work)
    if (value !== LATE) return { kind: 'value', value }
    return { kind: 'late', message: `no answer within ${this.#options.callDeadlineMs} ms`, settled }
  }

  async #begin<T>(call: Call<T>): Promise<{ readonly work: Promise<T> } | null> {
    // It may have been lost while this call waited for its turn.
    return this.#supervisor.state.up ? this.#acts.start(call, this.#options.callDeadlineMs) : null
  }

  #inTime<T>(work: Promise<T>): Promise<T | typeof LATE> {
    return within(this.#options.clock, this.#options.callDeadlineMs, work)
  }

  #requireUp(what: string): void {
    const { up, why } = this.#supervisor.state
    if (!up) throw unavailable(`${what}: no connection to libvirt: ${why}`)
  }

  #up(link: Link): void {
    this.#reads.add(link)
    this.#acts.warm()
    this.#options.onConnection(true, 'connected')
  }

  #down(why: string): void {
    this.#reads.retire()
    this.#acts.retire()
    this.#options.onConnection(false, why)
  }

  #eventLink(closed: (link: Link, why: string) => void): Link {
    return this.#makeLink(true, {
      ended: (link) => this.#reads.watcher.ended(link),
      closed: (link, why) => {
        this.#reads.watcher.closed(link, why)
        closed(link, why)
      },
      event: this.#options.onEvent,
    })
  }

  async #openLink(watcher: LinkWatcher): Promise<Link> {
    const link = this.#makeLink(false, watcher)
    try {
      if ((await this.#inTime(link.open())) !== LATE) return link
    } catch (error) {
      link.close()
      throw error
    }
    link.close()
    throw unavailable('libvirt did not take another connection in time')
  }

  #makeLink(events: boolean, watcher: LinkWatcher): Link {
    const { place, keepAliveIntervalS, keepAliveCount } = this.#options
    const { uri, socketPath } = place
    return new Link({ uri, socketPath, keepAliveIntervalS, keepAliveCount, events }, watcher)
  }
}
