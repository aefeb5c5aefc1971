import type { DriveAddress, LiveDisk } from '../../model/disk.ts'
import type { DomainView } from '../../model/domain.ts'
import { HotplugError } from '../../errors.ts'
import { firstFreeTarget } from './target-name.ts'

/** A disk's name and place in its domain. Both stay while it is plugged. */
export interface Placement {
  readonly target: string
  readonly address: DriveAddress
}

/**
 * The first free target name, and the first free unit of the domain's first virtio-scsi controller. Free means: in the
 * live domain, in its persistent definition, and among `reserved` placements that are on their way.
 * The address is explicit because libvirt, left alone, puts seven disks on a controller and adds controllers until it
 * runs out of PCI slots. QEMU's virtio-scsi takes 16384 units, more than fit into an XML that libvirt can send.
 * @throws HotplugError NoScsiController
 */
export function place(domain: DomainView, reserved: readonly Placement[]): Placement {
  const controller = domain.scsiControllers[0]
  if (controller === undefined) {
    throw new HotplugError('NoScsiController', 'the domain has no virtio-scsi controller to plug a disk into')
  }
  const disks = [...domain.disks, ...domain.persistentDisks]
  const target = firstFreeTarget(new Set([...disks, ...reserved].map((disk) => disk.target)))
  const places = [...disks.map(placeOf), ...reserved.map((placement) => placement.address)]
  return { target, address: { controller, bus: 0, target: 0, unit: firstFreeUnit(controller, places) } }
}

/** Whether a placement made earlier may be used again: nothing else is in its place. */
export function isFree(placement: Placement, domain: DomainView, reserved: readonly Placement[]): boolean {
  const others = [...domain.disks, ...domain.persistentDisks]
  const names = [...others, ...reserved].some((disk) => disk.target === placement.target)
  const places = [...others.map(placeOf), ...reserved.map((other) => other.address)]
  const { controller, unit } = placement.address
  return !names && domain.scsiControllers[0] === controller && !unitsOn(controller, places).has(unit)
}

function placeOf(disk: LiveDisk): DriveAddress | null {
  return disk.bus === 'scsi' ? disk.address : null
}

function firstFreeUnit(controller: number, places: readonly (DriveAddress | null)[]): number {
  const taken = unitsOn(controller, places)
  let unit = 0
  while (taken.has(unit)) unit++
  return unit
}

function unitsOn(controller: number, places: readonly (DriveAddress | null)[]): Set<number> {
  const there = places.filter((one) => one?.controller === controller && one.bus === 0 && one.target === 0)
  return new Set(there.map((one) => one?.unit ?? -1))
}
