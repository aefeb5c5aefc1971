import { sizeQuestion } from '../core/disk/record-disk.ts'
import type { VolumeRecord } from '../model/record.ts'
import type { Ports } from './ports.ts'
import type { Vm } from './vm.ts'
import type { Volume } from './volume.ts'

/** Two readings must agree before QEMU is told, and the guest is to see it within 5 s. */
export const GROWTH_PERIOD_MS = 1_500

interface Watched {
  readonly vm: Vm
  readonly volume: Volume
  readonly record: VolumeRecord
}

/**
 * Looks at the sizes of all plugged raw sources from time to time (the kernel tells nobody that a file grew without
 * telling every write as well). A source that grew, and is not growing any more, is marked.
 */
export class GrowthWatch {
  readonly #ports: Ports
  readonly #seen = new WeakMap<Volume, number>()
  readonly #onGrown: (vm: Vm, volume: Volume) => void

  constructor(ports: Ports, onGrown: (vm: Vm, volume: Volume) => void) {
    this.#ports = ports
    this.#onGrown = onGrown
  }

  /** One look at everything that may grow. */
  look(vms: Iterable<Vm>): void {
    const watched = [...vms].flatMap(growable)
    const sizes = this.#ports.sources.sizes(watched.map(({ record }) => sizeQuestion(record)))
    for (const [i, one] of watched.entries()) this.#compare(one, sizes[i] ?? null)
  }

  #compare({ vm, volume, record }: Watched, size: number | null): void {
    if (size === null || size <= record.sizeBytes) return
    const stable = this.#seen.get(volume) === size
    this.#seen.set(volume, size)
    if (!stable || volume.grown) return
    volume.grown = true
    this.#onGrown(vm, volume)
  }
}

/** A qcow2 file's length is not its size, and QEMU takes no new size for a disk it has open read-only. */
function growable(vm: Vm): Watched[] {
  if (!vm.reachable) return []
  return [...vm.volumes.values()].flatMap((volume) => {
    const { actual } = volume
    const may = actual.kind === 'plugged' && actual.record.format === 'raw' && !actual.record.readonly
    return may ? [{ vm, volume, record: actual.record }] : []
  })
}
