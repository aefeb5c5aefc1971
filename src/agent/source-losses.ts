import { HotplugError } from '../errors.ts'
import type { Ports } from './ports.ts'
import type { Vm } from './vm.ts'
import type { Volume } from './volume.ts'

/** What is done when a source is not guaranteed any more. */
export interface SourceLossParts {
  readonly ports: Pick<Ports, 'clock' | 'domains'>
  /** How long a VM goes on with a source that nothing holds. */
  readonly graceMs: number
  /** Told of each such volume right before its VM is asked to shut down. */
  readonly stopping: (vm: Vm, volume: Volume, error: HotplugError) => void
}

/**
 * Shuts VMs down that use a source which nothing on the node guarantees any more: writes could go to a device that another
 * node has by now. Asked of the guest, never forced, and only once for one loss.
 */
export class SourceLosses {
  readonly #parts: SourceLossParts
  /** Until when the VM may go on, in monotonic ms; kept until nothing of it is lost any more. */
  readonly #until = new WeakMap<Vm, number>()

  constructor(parts: SourceLossParts) {
    this.#parts = parts
  }

  /** Something about the VM or its wishes has changed. */
  consider(vm: Vm): void {
    const isLost = lost(vm).length > 0
    if (!isLost) return void this.#until.delete(vm)
    if (this.#until.has(vm)) return
    const { clock } = this.#parts.ports
    const until = clock.monotonicMs() + this.#parts.graceMs
    this.#until.set(vm, until)
    clock.after(this.#parts.graceMs, () => {
      if (this.#until.get(vm) === until) this.#stop(vm)
    })
  }

  /** Until when a VM that has lost a source may go on; null: it has lost none. */
  untilMs(vm: Vm): number | null {
    return this.#until.get(vm) ?? null
  }

  #stop(vm: Vm): void {
    const volumes = lost(vm)
    for (const volume of volumes) this.#parts.stopping(vm, volume, this.#why(vm, volume))
    if (volumes.length > 0) this.#parts.ports.domains.shutdown(vm.key).catch(() => this.#tryAgain(vm))
  }

  /** Its libvirt is away, or did not answer. */
  #tryAgain(vm: Vm): void {
    this.#until.delete(vm)
    this.consider(vm)
  }

  #why(vm: Vm, volume: Volume): HotplugError {
    const seconds = Math.round(this.#parts.graceMs / 1_000)
    return new HotplugError('StoppedForLostSource', `${vm.key} is shut down: for ${seconds} s nothing on this node has held the claim of its volume ${volume.key.volume}`)
  }
}

/** Volumes of a running VM that are in without anything that guarantees them. */
function lost(vm: Vm): Volume[] {
  const runs = vm.view?.state === 'running' || vm.view?.state === 'paused'
  if (!runs) return []
  return [...vm.volumes.values()].filter(({ actual, desired }) => actual.kind === 'plugged' && desired?.unheld !== undefined)
}
