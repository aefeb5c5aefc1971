import { asHotplugError } from '../errors.ts'
import type { VmKey } from '../model/ids.ts'
import type { DomainListener } from '../ports/domains.ts'
import type { Inventory } from './inventory.ts'
import type { AgentObserver } from './observer.ts'
import type { Ports } from './ports.ts'
import { type Reconciler, retryNow } from './reconciler.ts'
import type { Vm } from './vm.ts'
import type { Volume } from './volume.ts'
import type { World } from './world.ts'

export interface DomainNewsParts {
  readonly ports: Ports
  readonly world: World
  readonly inventory: Inventory
  readonly reconciler: Reconciler
  readonly observer: AgentObserver
}

/** What the hypervisors tell: has domains read anew, and volumes decided upon that wait for what happened. */
export class DomainNews implements DomainListener {
  readonly #parts: DomainNewsParts

  constructor(parts: DomainNewsParts) {
    this.#parts = parts
  }

  onConnection(hypervisor: string, up: boolean, why: string): void {
    const { observer, world, inventory, ports } = this.#parts
    observer.note(up ? 'libvirt connected' : 'libvirt not reachable', { hypervisor, why })
    for (const vm of world.all()) if (ports.domains.hypervisorOf(vm.key) === hypervisor) vm.volumes.forEach(retryNow)
    void inventory.connection(hypervisor, up, why)
  }

  onHypervisors(): void {
    this.#parts.inventory.hypervisors()
  }

  onDomain(key: VmKey, event: string): void {
    this.#parts.observer.note('domain event', { vm: key, event })
    this.read(this.#parts.world.vm(key))
  }

  /** Our own attach tells itself; anything else was done by somebody else. */
  onDiskAdded(key: VmKey, alias: string): void {
    const vm = this.#parts.world.vm(key)
    const own = ownOf(vm, alias)
    if (own?.running === undefined || own.running === null) this.read(vm)
  }

  onDiskRemoved(key: VmKey, alias: string): void {
    const vm = this.#parts.world.vm(key)
    const own = ownOf(vm, alias)
    if (own === undefined) return this.read(vm)
    this.#ownDiskRemoved(vm, own)
  }

  onDiskRemovalFailed(key: VmKey, alias: string): void {
    this.onDiskRemoved(key, alias)
  }

  /** Has the domain read; what comes of it is told. */
  read(vm: Vm): void {
    this.#parts.inventory.read(vm).catch((thrown: unknown) => {
      this.#parts.observer.failed('domain could not be read', { vm: vm.key }, asHotplugError(thrown))
    })
  }

  #ownDiskRemoved(vm: Vm, volume: Volume): void {
    retryNow(volume)
    if (volume.running !== null) volume.recheck = true
    else if (volume.actual.kind === 'detaching') volume.actual = { ...volume.actual, check: true }
    else return this.read(vm)
    this.#parts.reconciler.wake(vm, volume)
  }
}

function ownOf(vm: Vm, alias: string): Volume | undefined {
  return [...vm.volumes.values()].find((volume) => volume.alias === alias)
}
