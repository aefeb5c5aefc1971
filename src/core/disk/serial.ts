import { HotplugError } from '../../errors.ts'

const MOST_BYTES = 36
const FORBIDDEN = /[^A-Za-z0-9_.+-]/u
const SHOWN_CHARACTERS = 72

/**
 * Checks the serial of a disk before anything is done with it. The characters are those that libvirt's QEMU driver
 * takes (the same set in 9.0 and 11.x: letters, digits, `_`, `-`, `.`, `+`, space) without the space: libvirt hands `a b` to
 * QEMU as `a\ b`, and that is what the guest then sees. The length is what SCSI disks of QEMU show: older pairs cut a longer
 * one in silence, newer ones refuse it.
 *
 * @returns the refusal (`InvalidSerial`), or null if the serial is good.
 */
export function checkSerial(serial: string): HotplugError | null {
  if (serial === '') return refuse(serial, 'it is empty')
  const forbidden = FORBIDDEN.exec(serial)
  if (forbidden !== null) return refuse(serial, `character ${position(serial, forbidden.index)} is ${spell(forbidden[0])}`)
  if (serial.length > MOST_BYTES) return refuse(serial, `it has ${serial.length} bytes, ${MOST_BYTES} fit`)
  return null
}

/** Whether no SCSI disk of QEMU can show it, whatever its characters are. */
export function isSerialTooLong(serial: string): boolean {
  return new TextEncoder().encode(serial).length > MOST_BYTES
}

function spell(character: string): string {
  return character === ' ' ? 'a space, which libvirt would hand on with a backslash before it' : JSON.stringify(character)
}

/** Counted in characters as a person sees them, from 1. */
function position(serial: string, index: number): number {
  return [...serial.slice(0, index)].length + 1
}

function refuse(serial: string, why: string): HotplugError {
  const shown = serial.length > SHOWN_CHARACTERS ? `${serial.slice(0, SHOWN_CHARACTERS)}…` : serial
  return new HotplugError('InvalidSerial', `serial ${JSON.stringify(shown)}: ${why}`, { detail: { serial: shown } })
}
