import { HotplugError } from '../../errors.ts'
import type { DiskSpec } from '../../model/disk.ts'
import { invalid, knownFields, objectAt, switchAt, textAt, wordAt, type JsonObject } from './fields.ts'

export const CACHE_MODES = ['none', 'writethrough', 'writeback'] as const
export const IO_MODES = ['native', 'threads'] as const
export const ERROR_POLICIES = ['stop', 'report', 'ignore', 'enospace'] as const

/** What KubeVirt's Disk knows and a hot-plugged volume of ours cannot have. */
const UNSUPPORTED = ['lun', 'cdrom', 'floppy', 'bootOrder', 'blockSize', 'dedicatedIOThread', 'tag']
const SUPPORTED = ['name', 'disk', 'serial', 'cache', 'io', 'errorPolicy', 'shareable']

/** Reads KubeVirt's Disk of an AddVolumeOptions; `volume` is the default serial. Throws HotplugError that names the field. */
export function parseDisk(value: unknown, volume: string): DiskSpec {
  const disk = knownFields(value, 'disk', [...SUPPORTED, ...UNSUPPORTED])
  const name = textAt(disk, 'name', 'disk') ?? volume
  if (name !== volume) throw invalid(`disk.name must be the volume's name '${volume}'`)
  refuseUnsupported(disk)
  const device = objectAt(disk, 'disk', 'disk.disk', ['bus', 'readonly', 'pciAddress'])
  return { serial: textAt(disk, 'serial', 'disk') || volume, readonly: readonlyOf(device), shareable: switchAt(disk, 'shareable', 'disk'), ...tuningOf(disk) }
}

function refuseUnsupported(disk: JsonObject): void {
  const found = UNSUPPORTED.find(field => (disk[field] ?? null) !== null && disk[field] !== false)
  if (found !== undefined) throw new HotplugError('UnsupportedDisk', `disk.${found} is not supported for a hot-plugged volume`)
}

/** Checks the bus on the way. */
function readonlyOf(device: JsonObject | null): boolean {
  if (device === null) return false
  const bus = textAt(device, 'bus', 'disk.disk') || 'scsi'
  if (bus !== 'scsi') throw new HotplugError('UnsupportedBus', `disk.disk.bus: found '${bus.slice(0, 64)}', allowed: scsi`)
  if ((device['pciAddress'] ?? null) !== null) throw new HotplugError('UnsupportedDisk', 'disk.disk.pciAddress is not supported: the disk is on the SCSI bus')
  return switchAt(device, 'readonly', 'disk.disk')
}

function tuningOf(disk: JsonObject): Pick<DiskSpec, 'cache' | 'io' | 'errorPolicy'> {
  const cache = wordAt(disk, 'cache', 'disk', CACHE_MODES)
  const io = wordAt(disk, 'io', 'disk', IO_MODES)
  const errorPolicy = wordAt(disk, 'errorPolicy', 'disk', ERROR_POLICIES)
  return { ...(cache === null ? {} : { cache }), ...(io === null ? {} : { io }), ...(errorPolicy === null ? {} : { errorPolicy }) }
}
