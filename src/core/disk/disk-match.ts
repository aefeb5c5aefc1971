import type { DriveAddress, ExpectedDisk, LiveDisk } from '../../model/disk.ts'

/** The disk with that alias, if the list has one. */
export function diskByAlias(disks: readonly LiveDisk[], alias: string): LiveDisk | null {
  return disks.find((disk) => disk.alias === alias) ?? null
}

/**
 * In what a listed disk differs from the expected one, in words; null if it is that disk. libvirt itself matches a
 * detach by target name alone, so every part is compared here.
 */
export function mismatch(disk: LiveDisk, expected: ExpectedDisk): string | null {
  if (disk.alias !== expected.alias) return differs('alias', disk.alias, expected.alias)
  if (disk.target !== expected.target) return differs('target', disk.target, expected.target)
  if (disk.serial !== expected.serial) return differs('serial', disk.serial, expected.serial)
  if (disk.source !== expected.path) return differs('source', disk.source, expected.path)
  if (!sameAddress(disk.address, expected.address)) return differs('address', place(disk.address), place(expected.address))
  return null
}

function differs(part: string, found: string | null, wanted: string): string {
  return `${part} is ${found ?? 'absent'} where ${wanted} was plugged`
}

function sameAddress(a: DriveAddress | null, b: DriveAddress): boolean {
  return a !== null && a.controller === b.controller && a.bus === b.bus && a.target === b.target && a.unit === b.unit
}

function place(address: DriveAddress | null): string {
  return address === null ? 'absent' : `${address.controller}:${address.bus}:${address.target}:${address.unit}`
}
