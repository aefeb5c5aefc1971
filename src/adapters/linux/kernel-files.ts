import { readFileSync, readdirSync, statSync, type BigIntStats } from 'node:fs'

/** Names in a directory; none if it cannot be read. */
export function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory)
  } catch {
    return []
  }
}

/** A file's text without the white space at its end, or null. */
export function textOf(file: string): string | null {
  try {
    return readFileSync(file, 'utf8').trimEnd()
  } catch {
    return null
  }
}

/** `MAJOR:MINOR` of the block device under a name that the host itself uses; null if it is none. */
export function blockDeviceAt(path: string): string | null {
  const status = statusOf(path)
  if (status !== null) return status.isBlockDevice() ? deviceText(status.rdev) : null
  return path.startsWith('/dev/') ? deviceByName(path.slice('/dev/'.length)) : null
}

/** In a container there are no nodes of the host's devices; sysfs knows them by their names. */
function deviceByName(name: string): string | null {
  return textOf(`/sys/class/block/${name.replaceAll('/', '!')}/dev`)
}

/** Footprint key of the regular file under a name that the host itself uses; null if it is none. */
export function fileKeyAt(path: string): string | null {
  const status = statusOf(path)
  return status?.isFile() === true ? `i:${deviceText(status.dev)}:${status.ino}` : null
}

function statusOf(path: string): BigIntStats | null {
  try {
    return statSync(path, { bigint: true })
  } catch {
    return null
  }
}

/** The C library's encoding of device numbers, taken apart. */
function deviceText(device: bigint): string {
  const major = ((device >> 8n) & 0xfffn) | ((device >> 32n) & 0xfffff000n)
  const minor = (device & 0xffn) | ((device >> 12n) & 0xffffff00n)
  return `${major}:${minor}`
}
