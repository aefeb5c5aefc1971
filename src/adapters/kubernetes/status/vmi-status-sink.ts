import type { BaseLogger } from 'pino'
import type { HotplugError } from '../../../errors.ts'
import type { VmKey } from '../../../model/ids.ts'
import type { VmStatus } from '../../../model/status.ts'
import type { Clock } from '../../../ports/clock.ts'
import type { StatusSink } from '../../../ports/status-sink.ts'
import type { ApiClient } from '../api/api-client.ts'
import { EventRecorder } from './events.ts'
import type { NodeView } from '../node-view.ts'
import { StatusPath } from './status-path.ts'
import { VmiStatusWriter, type WriteCounts } from './vmi-status-writer.ts'

export interface VmiStatusSinkOptions {
  readonly view: NodeView
  readonly client: ApiClient
  readonly clock: Clock
  readonly log: BaseLogger
  /** A libvirt that is silent for this long is told in the status. @default 10000 */
  readonly silenceMs?: number
}

/** Where volumes are reported: `status.volumeStatus` of the VMI, and Events. */
export interface VmiStatusSink extends StatusSink {
  /** For metrics. */
  counts(): WriteCounts & { readonly events: number; readonly eventsDropped: number }
  close(): void
}

/** One writer per VM; each has at most one write under way, and the latest state wins. */
export function createVmiStatusSink(options: VmiStatusSinkOptions): VmiStatusSink {
  return new Sink(options)
}

class Sink implements VmiStatusSink {
  readonly #options: VmiStatusSinkOptions
  readonly #events: EventRecorder
  readonly #statusPath: StatusPath
  readonly #writers = new Map<VmKey, VmiStatusWriter>()
  readonly #counts = { writes: 0, conflicts: 0, failures: 0 }
  readonly #end: () => void

  constructor(options: VmiStatusSinkOptions) {
    this.#options = options
    this.#events = new EventRecorder({ ...options, node: options.view.node })
    this.#statusPath = new StatusPath(options.client)
    this.#end = options.view.watch(() => this.#viewChanged())
  }

  publish(status: VmStatus): void {
    this.#writer(status.vm).take(status)
  }

  withdraw(vm: VmKey): void {
    this.#writers.get(vm)?.close()
    this.#writers.delete(vm)
  }

  trouble(vm: VmKey): HotplugError | null {
    return this.#writers.get(vm)?.trouble ?? null
  }

  counts(): ReturnType<VmiStatusSink['counts']> {
    return { ...this.#counts, events: this.#events.written, eventsDropped: this.#events.dropped }
  }

  close(): void {
    this.#end()
    this.#events.close()
    for (const vm of this.#writers.keys()) this.withdraw(vm)
  }

  #writer(vm: VmKey): VmiStatusWriter {
    const known = this.#writers.get(vm)
    if (known !== undefined) return known
    const writer = new VmiStatusWriter(vm, { ...this.#options, events: this.#events, statusPath: this.#statusPath, counts: this.#counts })
    this.#writers.set(vm, writer)
    return writer
  }

  #viewChanged(): void {
    if (this.#options.view.isSynced) this.#statusPath.foresee()
    for (const writer of this.#writers.values()) writer.look()
  }
}
