import { HotplugError } from '../../errors.ts'

const ESCAPED = /[%/\u0000-\u001f\u007f]|^\./g

/**
 * A name as a file name: told apart from every other name, never hidden and never `.` or `..`. All but a few
 * characters stay as they are, so that a name that libvirt can keep as a file fits here too.
 * Throws HotplugError `InvalidName` if the name is empty or not Unicode text.
 */
export function toFileName(name: string): string {
  if (name === '' || !name.isWellFormed()) throw new HotplugError('InvalidName', `${JSON.stringify(name)} cannot be kept as a file name`)
  return name.replace(ESCAPED, (character) => `%${character.charCodeAt(0).toString(16).padStart(2, '0')}`)
}

/** The name that `toFileName` was given; null if no name gives this file name. */
export function fromFileName(fileName: string): string | null {
  const name = fileName.replace(/%([0-9a-f]{2})/g, (_all, code: string) => String.fromCharCode(Number.parseInt(code, 16)))
  return name !== '' && name.isWellFormed() && toFileName(name) === fileName ? name : null
}
