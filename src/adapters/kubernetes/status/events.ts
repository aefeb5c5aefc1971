import { createHash } from 'node:crypto'
import type { BaseLogger } from 'pino'
import { asHotplugError } from '../../../errors.ts'
import type { JsonObject } from '../../../core/cluster/json-object.ts'
import type { Vmi } from '../../../core/cluster/vmi.ts'
import type { Clock } from '../../../ports/clock.ts'
import type { ApiClient } from '../api/api-client.ts'
import { retryAfterOf } from '../api/api-failure.ts'
import { eventsPath } from '../api/paths.ts'

/** What is to be told about a VMI. */
export interface Told {
  readonly type: 'Normal' | 'Warning'
  readonly reason: string
  readonly message: string
  /** What makes this happening another one than the same words at another time; it is told once, over restarts too. */
  readonly occasion: string
}

export interface EventRecorderOptions {
  readonly client: Pick<ApiClient, 'create'>
  readonly clock: Clock
  readonly log: BaseLogger
  readonly node: string
}

interface Waiting {
  readonly vmi: Vmi
  readonly told: Told
}

const MOST_WAITING = 500
const RETRY_MS = 2_000
const LONGEST_MESSAGE = 1_024

/** Writes Events about VMIs, one after another, behind everything else that is written. Nothing waits for it. */
export class EventRecorder {
  readonly #options: EventRecorderOptions
  readonly #queue: Waiting[] = []
  #isRunning = false
  #closed = false
  written = 0
  dropped = 0

  constructor(options: EventRecorderOptions) {
    this.#options = options
  }

  /** With too many on the way the oldest are dropped: what is true now is in the status. */
  tell(vmi: Vmi, told: Told): void {
    this.#queue.push({ vmi, told })
    if (this.#queue.length > MOST_WAITING) {
      this.#queue.shift()
      this.dropped++
    }
    if (!this.#isRunning) void this.#run()
  }

  close(): void {
    this.#closed = true
    this.#queue.length = 0
  }

  async #run(): Promise<void> {
    this.#isRunning = true
    for (let next = this.#queue[0]; next !== undefined && !this.#closed; next = this.#queue[0]) {
      const retryMs = await this.#write(next)
      if (retryMs === null && this.#queue[0] === next) this.#queue.shift()
      if (retryMs !== null) await new Promise<void>((resolve) => void this.#options.clock.after(retryMs, resolve))
    }
    this.#isRunning = false
  }

  /** Null: done with it; else after how long to try again. */
  async #write({ vmi, told }: Waiting): Promise<number | null> {
    try {
      await this.#options.client.create(eventsPath(vmi.namespace), this.#event(vmi, told), 'event')
      this.written++
      return null
    } catch (thrown) {
      const error = asHotplugError(thrown)
      if (error.reason === 'ApiServerUnavailable' || error.reason === 'ApiUnauthorized') return Math.max(RETRY_MS, retryAfterOf(error))
      this.dropped++
      this.#options.log.warn({ vm: `${vmi.namespace}/${vmi.name}`, reason: error.reason, err: error }, 'an Event could not be written')
      return null
    }
  }

  #event({ namespace, name, uid, resourceVersion }: Vmi, { type, reason, message, occasion }: Told): JsonObject {
    const now = new Date(this.#options.clock.now()).toISOString().replace(/\.\d+Z$/, 'Z')
    return {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { namespace, name: eventName(name, [uid, type, reason, message, occasion]) },
      involvedObject: { apiVersion: 'kubevirt.io/v1', kind: 'VirtualMachineInstance', namespace, name, uid, resourceVersion },
      type,
      reason,
      message: message.length > LONGEST_MESSAGE ? `${message.slice(0, LONGEST_MESSAGE - 1)}…` : message,
      source: { component: 'hotplugd', host: this.#options.node },
      reportingComponent: 'hotplugd',
      reportingInstance: this.#options.node,
      firstTimestamp: now,
      lastTimestamp: now,
      count: 1,
    }
  }
}

/** The same happening has the same name, so that a retry, or an agent that was restarted, does not tell it twice. */
function eventName(vmiName: string, parts: readonly string[]): string {
  const hash = createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 16)
  return `${vmiName.slice(0, 230).replace(/[^a-z0-9]+$/, '')}.${hash}`
}
