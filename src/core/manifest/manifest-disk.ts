import type { DiskSpec } from '../../model/disk.ts'
import { checkSerial } from '../disk/serial.ts'
import { fault, flag, mapping, optional, required, text, word, type Place } from './manifest-shape.ts'

const NOT_SUPPORTED = 'is not supported, because no guest can be kept from using it when it is taken away; use disk: {bus: scsi}'
const OTHER_KINDS = { lun: `lun ${NOT_SUPPORTED}`, cdrom: `cdrom ${NOT_SUPPORTED}`, floppy: `floppy ${NOT_SUPPORTED}` }

/** An entry of `disks[]`: how the guest is to see the volume of that name. */
export interface DiskEntry {
  readonly name: string
  readonly place: Place
  readonly serial: string | null
  readonly options: Omit<DiskSpec, 'serial'>
}

/** Reads one entry of `spec.domain.devices.disks[]`; null, with a fault, if it has no usable name. */
export function readDisk(place: Place): DiskEntry | null {
  if (mapping(place, ['name', 'disk', 'serial', 'cache', 'io', 'errorPolicy', 'shareable'], OTHER_KINDS) === null) return null
  const readonly = optional(place, 'disk', readKind)
  const serial = optional(place, 'serial', readSerial)
  const options = { readonly: readonly ?? false, shareable: optional(place, 'shareable', flag) ?? false, ...readDriver(place) }
  const name = required(place, 'name', text)
  return name === null ? null : { name, place, serial, options }
}

/** What a volume without an entry in `disks[]` gets. */
export const ORDINARY: DiskEntry['options'] = { readonly: false, shareable: false }

/** `disk: {bus, readonly}`; answers with `readonly`. */
function readKind(place: Place): boolean | null {
  mapping(place, ['bus', 'readonly'])
  optional(place, 'bus', readBus)
  return optional(place, 'readonly', flag)
}

function readBus(place: Place): string | null {
  const bus = text(place)
  if (bus !== null && bus !== 'scsi') fault(place, `bus ${JSON.stringify(bus)} is not supported, allowed: scsi`)
  return bus
}

function readSerial(place: Place): string | null {
  const serial = text(place)
  const refusal = serial === null ? null : checkSerial(serial)
  if (refusal !== null) fault(place, `${refusal.message}. ${refusal.remedy}`)
  return serial
}

function readDriver(place: Place): Pick<DiskSpec, 'cache' | 'io' | 'errorPolicy'> {
  const cache = optional(place, 'cache', (at) => word(at, ['none', 'writethrough', 'writeback']))
  const io = optional(place, 'io', (at) => word(at, ['native', 'threads']))
  const errorPolicy = optional(place, 'errorPolicy', (at) => word(at, ['stop', 'report', 'ignore', 'enospace']))
  if (io === 'native' && cache !== null && cache !== 'none') fault(place, `io native needs cache none, found cache ${cache}`)
  return { ...(cache && { cache }), ...(io && { io }), ...(errorPolicy && { errorPolicy }) }
}
