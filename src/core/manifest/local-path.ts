import { HotplugError } from '../../errors.ts'

const LONGEST_BYTES = 4095
const UNWRITABLE_IN_XML = /[\u0000-\u001f\u007f\ufffe\uffff]/

/**
 * Checks the form of a source's path, without looking at the file system: absolute, of a length the kernel takes, and
 * of characters that the domain's XML can carry.
 *
 * @returns the refusal (`InvalidRequest`), or null if the path can be looked up.
 */
export function checkLocalPath(path: string): HotplugError | null {
  if (!path.startsWith('/')) return refuse(path, 'it is not absolute')
  if (UNWRITABLE_IN_XML.test(path)) return refuse(path, 'it holds a control character')
  if (!path.isWellFormed()) return refuse(path, 'it is not Unicode text')
  const bytes = new TextEncoder().encode(path).length
  if (bytes > LONGEST_BYTES) return refuse(path, `it has ${bytes} bytes, ${LONGEST_BYTES} are allowed`)
  return null
}

/** The path without doubled, trailing and `.` parts, to notice two spellings of one path. `..` stays: only the file system knows what it means. */
export function plainPath(path: string): string {
  return `/${path.split('/').filter((part) => part !== '' && part !== '.').join('/')}`
}

function refuse(path: string, why: string): HotplugError {
  const shown = path.length > 200 ? `${path.slice(0, 200)}…` : path
  return new HotplugError('InvalidRequest', `path ${JSON.stringify(shown)}: ${why}`, { detail: { path: shown } })
}
