import { asHotplugError } from '../errors.ts'
import type { StatusSink } from '../ports/status-sink.ts'
import type { AgentObserver } from './observer.ts'
import type { Vm } from './vm.ts'
import type { Volume } from './volume.ts'

/** Tells everybody who listens what changed, and nobody what did not. */
export class Reporter {
  readonly #sinks: readonly StatusSink[]
  readonly #observer: AgentObserver

  constructor(sinks: readonly StatusSink[], observer: AgentObserver) {
    this.#sinks = sinks
    this.#observer = observer
  }

  /** Brings a volume's status up to date and reports it if it changed. */
  refresh(vm: Vm, volume: Volume): void {
    const before = volume.status
    const after = volume.refreshStatus(vm.reachable)
    if (after === before) return
    if (after.phase !== before.phase) this.#observer.phaseChanged(volume, before.phase)
    this.changed(vm)
  }

  /** A volume of which nothing is left and nothing is wanted. */
  forgotten(vm: Vm, volume: Volume): void {
    const { phase } = volume.status
    volume.markReleased()
    if (phase !== null) this.#observer.phaseChanged(volume, phase)
    this.changed(vm)
  }

  /** The VM's own status changed. */
  changed(vm: Vm): void {
    if (this.#sinks.length === 0) return
    const status = vm.status()
    for (const sink of this.#sinks) this.#tell(() => sink.publish(status))
  }

  withdrawn(vm: Vm): void {
    for (const sink of this.#sinks) this.#tell(() => sink.withdraw(vm.key))
  }

  /** A sink that fails is no reason to leave an act half-way. */
  #tell(tell: () => void): void {
    try {
      tell()
    } catch (thrown) {
      this.#observer.failed('a status could not be told', {}, asHotplugError(thrown))
    }
  }
}
