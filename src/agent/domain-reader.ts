import { recordOf } from '../core/volume/actual.ts'
import { diskByAlias, mismatch } from '../core/disk/disk-match.ts'
import { type FootprintIndex, foreignDiskId } from '../core/disk/footprint-index.ts'
import { expectedDisk } from '../core/disk/record-disk.ts'
import type { LiveDisk } from '../model/disk.ts'
import { type DomainView, sameProcess } from '../model/domain.ts'
import type { VmKey } from '../model/ids.ts'
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
  readonly #foreign = new Map<VmKey, Set<string>>()
  /** A volume was found otherwise than its record says: it is to be decided upon again, whoever had the domain read. */
  onDoubted: (vm: Vm, volume: Volume) => void = () => {}

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
    const before = vm.view
    const view = await vm.read(() => this.#ports.domains.observe(vm.key))
    const restarted = isOther(before, view)
    for (const volume of vm.volumes.values()) {
      if (restarted && volume.running === null) volume.trouble = null
      if (doubt(volume, view)) this.onDoubted(vm, volume)
    }
    await this.#indexForeign(vm, view)
    return view
  }

  /** Keeps the sources of disks that are not ours in the index, as far as they run. */
  async #indexForeign(vm: Vm, view: DomainView | null): Promise<void> {
    const runs = view?.state === 'running' || view?.state === 'paused'
    const disks = runs ? view.disks.filter((disk) => isForeign(vm, disk)) : []
    const footprints = await Promise.all(disks.map((disk) => this.#footprint(vm.key, disk)))
    const now = new Set<string>()
    for (const [i, disk] of disks.entries()) {
      const footprint = footprints[i]
      if (footprint === undefined || footprint === null || !isForeign(vm, disk)) continue // it may have become ours meanwhile
      const id = foreignDiskId(vm.key, disk.target)
      this.#index.set({ id, label: `disk ${disk.target} of ${vm.key}`, shareable: disk.shareable }, footprint)
      now.add(id)
    }
    const before = this.#foreign.get(vm.key) ?? []
    if (now.size > 0) this.#foreign.set(vm.key, now)
    else this.#foreign.delete(vm.key)
    for (const id of before) if (!now.has(id)) this.#index.delete(id)
  }

  /** The chain below an image is what it stands on. */
  async #footprint(vm: VmKey, disk: LiveDisk): Promise<Footprint | null> {
    if (disk.source === null) return null
    const [own, ...chain] = await this.#ports.sources.footprints([disk.source, ...disk.backing], vm)
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
  return before?.uuid !== now?.uuid || before?.state !== now?.state || !sameProcess(before?.process ?? null, now?.process ?? null)
}

/**
 * A volume whose disk is not as its record says is to be settled; one that is being acted upon is read back afterwards,
 * since the act may have looked before. True if the volume is to be decided upon again.
 */
function doubt(volume: Volume, view: DomainView | null): boolean {
  const { actual } = volume
  if (actual.kind === 'absent' || actual.kind === 'gone') return false
  const isElsewhere = isOtherQemu(view, actual.record)
  const isOff = isElsewhere || (actual.kind !== 'unproven' && isUnlisted(view, actual.record))
  if (volume.running !== null) {
    volume.recheck ||= isOff
    return false
  }
  if (actual.kind === 'detaching' && !isElsewhere) volume.actual = { ...actual, check: true }
  else if (isOff) volume.actual = { kind: 'unproven', record: actual.record }
  return volume.actual !== actual
}

function isOtherQemu(view: DomainView | null, record: VolumeRecord): boolean {
  return view?.uuid !== record.domainUuid || !sameProcess(view.process, record.process)
}

function isUnlisted(view: DomainView | null, record: VolumeRecord): boolean {
  const disk = view === null ? null : diskByAlias(view.disks, record.alias)
  return disk === null || mismatch(disk, expectedDisk(record)) !== null
}
