import type { VmKey } from '../model/ids.ts'
import type { VmStatus } from '../model/status.ts'
import type { StatusSink } from '../ports/status-sink.ts'

type Listener = (vm: VmKey, status: VmStatus | null) => void

/** Hands every change of status on to whoever listens at the moment. */
export class WatchHub implements StatusSink {
  readonly #listeners = new Set<Listener>()

  /** Returns what ends the watch. */
  watch(listener: Listener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  publish(status: VmStatus): void {
    for (const listener of this.#listeners) listener(status.vm, status)
  }

  withdraw(vm: VmKey): void {
    for (const listener of this.#listeners) listener(vm, null)
  }
}
