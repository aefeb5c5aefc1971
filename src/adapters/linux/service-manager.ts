import type { Clock } from '../../ports/clock.ts'
import { addon } from './binding.ts'
import { isSystemFailure } from './system-failure.ts'

/** Whoever started the daemon and wants to hear of it: systemd, by the protocol of sd_notify(3). */
export interface ServiceManager {
  /** The daemon does its work from now on. Begins to tell, twice in each period asked for, that the event loop turns. */
  ready(): void
  /** One line for a person; control characters become spaces, and it is cut where it would be too long. */
  status(line: string): void
  /** The daemon was told to end. */
  stopping(): void
}

interface Log {
  warn(fields: object, message: string): void
}

/** When the queue of the manager was full, or it was not there for the moment. */
const RETRY_MS = 500
const LONGEST_STATUS = 800

/**
 * The service manager named by the environment (`NOTIFY_SOCKET`, `WATCHDOG_USEC`, `WATCHDOG_PID`), one that hears nothing if
 * none is named. Nothing here throws or waits: what cannot be told now is tried again until it is told or replaced.
 */
export function serviceManager(env: Readonly<Record<string, string | undefined>>, { clock, log }: { readonly clock: Clock; readonly log: Log }): ServiceManager {
  const address = env['NOTIFY_SOCKET'] ?? ''
  if (address === '') return NOBODY
  if (/^[/@]./.test(address)) return new NotifySocket(address, watchdogPeriodMs(env), clock, log)
  log.warn({ address }, 'the service manager listens where hotplugd cannot speak; it is told nothing')
  return NOBODY
}

const NOBODY: ServiceManager = { ready() {}, status() {}, stopping() {} }

/** Half of what systemd waits for, as sd_watchdog_enabled(3) advises; null: nobody waits for us. */
function watchdogPeriodMs(env: Readonly<Record<string, string | undefined>>): number | null {
  const { WATCHDOG_USEC: timeoutUs = '', WATCHDOG_PID: pid = String(process.pid) } = env
  return /^[1-9]\d*$/.test(timeoutUs) && pid === String(process.pid) ? Number(timeoutUs) / 2_000 : null
}

class NotifySocket implements ServiceManager {
  readonly #address: string
  readonly #watchdogMs: number | null
  readonly #clock: Clock
  readonly #log: Log
  readonly #untold = new Map<string, string>()
  #retry: (() => void) | null = null
  #isSilent = false

  constructor(address: string, watchdogMs: number | null, clock: Clock, log: Log) {
    this.#address = address
    this.#watchdogMs = watchdogMs
    this.#clock = clock
    this.#log = log
  }

  ready(): void {
    this.#tell('READY', '1')
    if (this.#watchdogMs !== null) this.#beat(this.#watchdogMs)
  }

  /** A line break would let whoever chose a volume's name speak to systemd in our name. */
  status(line: string): void {
    const text = line.replace(/[\p{Cc}\u2028\u2029]/gu, ' ')
    this.#tell('STATUS', text.length > LONGEST_STATUS ? `${text.slice(0, LONGEST_STATUS)} …` : text)
  }

  stopping(): void {
    this.#tell('STOPPING', '1')
  }

  /** Only a loop that turns comes here. */
  #beat(periodMs: number): void {
    this.#tell('WATCHDOG', '1')
    this.#clock.after(periodMs, () => this.#beat(periodMs))
  }

  #tell(name: string, value: string): void {
    this.#untold.set(name, value)
    this.#flush()
  }

  #flush(): void {
    this.#retry?.()
    this.#retry = null
    const text = [...this.#untold].map(([name, value]) => `${name}=${value}`).join('\n')
    if (this.#send(text)) this.#untold.clear()
    else this.#retry = this.#clock.after(RETRY_MS, () => this.#flush())
  }

  #send(text: string): boolean {
    try {
      const isTaken = addon.notifyServiceManager(this.#address, text)
      this.#isSilent = false
      return isTaken
    } catch (error) {
      if (!isSystemFailure(error)) throw error
      this.#warnOnce(error.code)
      return false
    }
  }

  #warnOnce(errno: string): void {
    if (!this.#isSilent) this.#log.warn({ address: this.#address, errno }, 'the service manager cannot be told; trying on')
    this.#isSilent = true
  }
}
