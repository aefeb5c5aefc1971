import { readlinkSync } from 'node:fs'
import { basename, join } from 'node:path'
import { namesIn, textOf } from '../kernel-files.ts'

/** What sysfs calls block devices, and what is built on them, in words. Never waits: sysfs asks no device. */
export class BlockNames {
  readonly #sysfs: string

  /** @param sysfs where sysfs is mounted. */
  constructor(sysfs: string) {
    this.#sysfs = sysfs
  }

  /** `/dev/loop3` for `7:3`; the number itself where sysfs does not know it. */
  nodeOf(device: string): string {
    try {
      return `/dev/${basename(readlinkSync(this.#directory(device)))}`
    } catch {
      return device
    }
  }

  /** In words, everything built on the device, its partitions, or (of a partition) the disk as a whole. */
  holdersOf(device: string): string[] {
    const directory = this.#directory(device)
    const parts = namesIn(directory).filter((name) => textOf(join(directory, name, 'partition')) !== null)
    // Not by join(): what it would shorten away is a link.
    const disk = textOf(join(directory, 'partition')) === null ? [] : [`${directory}/..`]
    const places = [directory, ...parts.map((name) => join(directory, name)), ...disk]
    const names = new Set(places.flatMap((place) => namesIn(`${place}/holders`)))
    return [...[...names].map((name) => this.#describe(name)), ...this.#btrfsOf(device)]
  }

  /** btrfs holds all of its devices; mountinfo names one of them at most. */
  #btrfsOf(device: string): string[] {
    const root = join(this.#sysfs, 'fs/btrfs')
    const isPart = (uuid: string): boolean =>
      namesIn(join(root, uuid, 'devices')).some((name) => textOf(join(root, uuid, 'devices', name, 'dev')) === device)
    return namesIn(root).filter(isPart).map((uuid) => `the mounted btrfs file system ${uuid}`)
  }

  #describe(name: string): string {
    const directory = join(this.#sysfs, 'block', name)
    const mapped = textOf(join(directory, 'dm/name'))
    if (mapped !== null) return describeMapped(name, mapped, textOf(join(directory, 'dm/uuid')) ?? '')
    if (namesIn(directory).includes('md')) return `RAID array ${name}`
    return name
  }

  #directory(device: string): string {
    return join(this.#sysfs, 'dev/block', device)
  }
}

function describeMapped(device: string, name: string, uuid: string): string {
  if (uuid.startsWith('LVM-')) return describeLogicalVolume(device, name)
  if (uuid.startsWith('mpath-')) return `multipath device ${name} (${device})`
  if (uuid.startsWith('CRYPT-')) return `encrypted device ${name} (${device})`
  return `device-mapper device ${name} (${device})`
}

/** LVM joins group and volume by one hyphen and doubles the hyphens within. */
function describeLogicalVolume(device: string, name: string): string {
  const [group, volume] = name.split(/(?<!-)-(?!-)/, 2).map((part) => part.replaceAll('--', '-'))
  return `volume group ${group} (logical volume ${volume ?? name}, ${device})`
}
