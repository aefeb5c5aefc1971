import { FootprintIndex } from '../core/disk/footprint-index.ts'
import type { PersistedDisk, VolumeRecord } from '../model/record.ts'
import { type VmKey, vmRef } from '../model/ids.ts'
import type { Clock } from '../ports/clock.ts'
import { Vm } from './vm.ts'
import type { OnStage, Volume } from './volume.ts'

/** Every VM that is known or wanted, with its volumes, and the sources they stand on. */
export class World {
  readonly sources = new FootprintIndex()
  readonly #vms = new Map<VmKey, Vm>()
  readonly #clock: Clock
  readonly #onStage: OnStage

  constructor(clock: Clock, onStage: OnStage) {
    this.#clock = clock
    this.#onStage = onStage
  }

  /** The VM of that key, made if it is not known yet. */
  vm(key: VmKey): Vm {
    const known = this.#vms.get(key)
    if (known !== undefined) return known
    const vm = new Vm(key, this.#clock, this.#onStage)
    this.#vms.set(key, vm)
    return vm
  }

  find(key: VmKey): Vm | undefined {
    return this.#vms.get(key)
  }

  drop(vm: Vm): void {
    if (this.#vms.get(vm.key) === vm) this.#vms.delete(vm.key)
  }

  /** Takes a VM back that was dropped while it was read once more, and is there after all. */
  keep(vm: Vm): void {
    if (!this.#vms.has(vm.key)) this.#vms.set(vm.key, vm)
  }

  all(): IterableIterator<Vm> {
    return this.#vms.values()
  }

  inNamespace(namespace: string): Vm[] {
    return [...this.#vms.values()].filter((vm) => vmRef(vm.key).namespace === namespace)
  }

  *volumes(): Generator<readonly [Vm, Volume]> {
    for (const vm of this.#vms.values()) for (const volume of vm.volumes.values()) yield [vm, volume]
  }

  /**
   * Takes a journalled volume over. Nothing is believed of it until the live domain was read, but its source and its
   * place are taken from the first moment.
   */
  restore(record: VolumeRecord): void {
    const volume = this.vm(record.key.vm).volume(record.key.volume)
    volume.actual = { kind: 'unproven', record }
    volume.placement = { target: record.target, address: record.address }
    const label = `volume ${record.key.volume} of ${record.key.vm}`
    this.sources.set({ id: volume.id, label, shareable: record.shareable }, record.footprint)
  }

  restorePersisted(entry: PersistedDisk): void {
    this.vm(entry.key.vm).volume(entry.key.volume).persisted = entry
  }
}
