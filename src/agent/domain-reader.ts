import { recordOf } from '../core/actual.ts'
import { diskByAlias, mismatch } from '../core/disk-match.ts'
import { type FootprintIndex, foreignDiskId } from '../core/footprint-index.ts'
import { expectedDisk } from '../core/record-disk.ts'
import type { LiveDisk } from '../model/disk.ts'
import type { DomainView } from '../model/domain.ts'
import type { Footprint } from '../model/source.ts'
import type { VolumeRecord } from '../model/record.ts'
import type { Ports } from './ports.ts'
import type { Vm } from './vm.ts'
import type { Volume } from './volume.ts'

interface Reading {
  current: Promise<DomainView | null>
  next: Promise<DomainView | null> | null
}

/**
 * Reads domains and brings the world up to what was read: whose disks stand on which sources, and which volumes are no
 * longer as their record says. Whoever asks while a reading is under way shares the next one.
 */
export class DomainReader {
  readonly #ports: Ports
  readonly #index: FootprintIndex
  readonly #readings = new Map<Vm, Reading>()
  readonly #foreign = new Map<Vm, Set<string>>()

  constructor(ports: Ports, index: FootprintIndex) {
    this.#ports = ports
    this.#index = index
  }

  /** The domain as it is after this call began; null if there is none. @throws HotplugError LibvirtUnavailable */
  read(vm: Vm): Promise<DomainView | null> {
    const reading = this.#readings.get(vm)
    if (reading === undefined) return this.#begin(vm)
    reading.next ??= reading.current.then(() => this.#begin(vm), () => this.#begin(vm))
    return reading.next
  }

  #begin(vm: Vm): Promise<DomainView | null> {
    const current = this.#readAndApply(vm)
    const reading: Reading = { current, next: null }
    this.#readings.set(vm, reading)
    const end = () => {
      if (this.#readings.get(vm) === reading && reading.next === null) this.#readings.delete(vm)
    }
    current.then(end, end)
    return current
  }

  async #readAndApply(vm: Vm): Promise<DomainView | null> {
    const view = await this.#ports.domains.observe(vm.key)
    const restarted = isOther(vm.view, view)
    vm.view = view
    for (const volume of vm.volumes.values()) doubt(volume, view, restarted)
    await this.#indexForeign(vm, view)
    return view
  }

  /** Keeps the sources of disks that are not ours in the index, as far as they run. */
  async #indexForeign(vm: Vm, view: DomainView | null): Promise<void> {
    const runs = view?.state === 'running' || view?.state === 'paused'
    const disks = runs ? view.disks.filter((disk) => isForeign(vm, disk)) : []
    const footprints = await Promise.all(disks.map((disk) => this.#footprint(disk)))
    const now = new Set<string>()
    for (const [i, disk] of disks.entries()) {
      const footprint = footprints[i]
      if (footprint === undefined || footprint === null || !isForeign(vm, disk)) continue // it may have become ours meanwhile
      const id = foreignDiskId(vm.key, disk.target)
      this.#index.set({ id, label: `disk ${disk.target} of ${vm.key}`, shareable: disk.shareable }, footprint)
      now.add(id)
    }
    for (const id of this.#foreign.get(vm) ?? []) if (!now.has(id)) this.#index.delete(id)
    this.#foreign.set(vm, now)
  }

  /** The chain below an image is what it stands on. */
  async #footprint(disk: LiveDisk): Promise<Footprint | null> {
    if (disk.source === null) return null
    const [own, ...chain] = await this.#ports.sources.footprints([disk.source, ...disk.backing])
    if (own === undefined || own === null) return null
    const below = chain.flatMap((layer) => (layer === null ? [] : [...layer.same, ...layer.below]))
    return { same: own.same, below: [...own.below, ...below] }
  }
}

/** Everything but what our records tell of: those disks hold their sources under the volumes' own names. */
function isForeign(vm: Vm, disk: LiveDisk): boolean {
  const volume = [...vm.volumes.values()].find((candidate) => candidate.alias === disk.alias)
  const record = volume === undefined ? null : recordOf(volume.actual)
  return record === null || mismatch(disk, expectedDisk(record)) !== null
}

/** Another QEMU, or none: what held back an act may not hold it back any more. */
function isOther(before: DomainView | null | undefined, now: DomainView | null): boolean {
  return before?.uuid !== now?.uuid || before?.state !== now?.state || before?.process?.startTime !== now?.process?.startTime
}

/** A volume whose disk is not as its record says is to be settled; one that is being acted upon reads back by itself. */
function doubt(volume: Volume, view: DomainView | null, restarted: boolean): void {
  if (restarted && volume.running === null) volume.trouble = null
  const { actual } = volume
  if (volume.running !== null || actual.kind === 'absent' || actual.kind === 'gone') return
  if (actual.kind === 'detaching') {
    volume.actual = restarted ? { kind: 'unproven', record: actual.record } : { ...actual, check: true }
  } else if (actual.kind === 'plugged' && (restarted || isOff(view, actual.record))) {
    volume.actual = { kind: 'unproven', record: actual.record }
  }
}

function isOff(view: DomainView | null, record: VolumeRecord): boolean {
  const disk = view === null ? null : diskByAlias(view.disks, record.alias)
  return disk === null || mismatch(disk, expectedDisk(record)) !== null
}
