import type { Impediment } from '../../model/desired.ts'
import type { DiskSpec } from '../../model/disk.ts'
import { at, textAt } from './json-object.ts'
import { checkSerial } from '../disk/serial.ts'

/** How the guest is to see a volume, and why that cannot be had. */
export interface VmiDisk {
  readonly spec: DiskSpec
  readonly refusal: Impediment | null
}

const CACHES = ['none', 'writethrough', 'writeback'] as const
const IO_MODES = ['native', 'threads'] as const
const ERROR_POLICIES = ['stop', 'report', 'ignore', 'enospace'] as const
const OTHER_KINDS = ['lun', 'cdrom', 'floppy'] as const

/** Reads one of `spec.domain.devices.disks`. Keys that belong to other components (bootOrder, tag, …) are none of our business. */
export function readVmiDisk(volume: string, item: unknown): VmiDisk {
  const spec: DiskSpec = {
    serial: textAt(item, 'serial') || volume,
    readonly: at(item, 'disk', 'readonly') === true,
    shareable: at(item, 'shareable') === true,
    ...driver(item),
  }
  return { spec, refusal: refusalOf(item, spec) }
}

/** A volume that no disk is named for. */
export function withoutDisk(volume: string): VmiDisk {
  const cause = `spec.domain.devices.disks has no disk named ${volume}`
  return { spec: { serial: volume, readonly: false, shareable: false }, refusal: { reason: 'UnsupportedDisk', cause } }
}

function driver(item: unknown): Pick<DiskSpec, 'cache' | 'io' | 'errorPolicy'> {
  const cache = CACHES.find((one) => one === textAt(item, 'cache'))
  const io = IO_MODES.find((one) => one === textAt(item, 'io'))
  const errorPolicy = ERROR_POLICIES.find((one) => one === textAt(item, 'errorPolicy'))
  return { ...(cache && { cache }), ...(io && { io }), ...(errorPolicy && { errorPolicy }) }
}

function refusalOf(item: unknown, { serial }: DiskSpec): Impediment | null {
  const kind = OTHER_KINDS.find((one) => at(item, one) !== undefined && at(item, one) !== null)
  if (kind !== undefined) return { reason: 'UnsupportedDisk', cause: `the disk is a ${kind}, which cannot be hot-plugged` }
  const bus = at(item, 'disk', 'bus')
  if (bus !== undefined && bus !== null && bus !== 'scsi') return { reason: 'UnsupportedBus', cause: `the disk asks for bus ${shown(bus)}` }
  return refusalOfSerial(serial) ?? refusalOfDriver(item)
}

function refusalOfSerial(serial: string): Impediment | null {
  const refusal = checkSerial(serial)
  return refusal === null ? null : { reason: refusal.reason, cause: refusal.message }
}

/** A mode that is not understood is not left out: the disk would be another than was asked for. */
function refusalOfDriver(item: unknown): Impediment | null {
  const asked = [['cache', CACHES], ['io', IO_MODES], ['errorPolicy', ERROR_POLICIES]] as const
  for (const [key, known] of asked) {
    const value = at(item, key)
    if (value === undefined || value === null || value === '' || value === 'default') continue
    if (!known.some((one) => one === value)) return { reason: 'UnsupportedDisk', cause: `the disk asks for ${key} ${shown(value)}; there are ${known.join(', ')}` }
  }
  const cache = at(item, 'cache')
  const clash = at(item, 'io') === 'native' && (cache === 'writethrough' || cache === 'writeback')
  return clash ? { reason: 'UnsupportedDisk', cause: `io native needs cache none, and the disk asks for cache ${cache}` } : null
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing'
  return text.length > 60 ? `${text.slice(0, 60)}…` : text
}
