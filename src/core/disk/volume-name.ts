import { HotplugError } from '../../errors.ts'

const LONGEST = 63
const FORBIDDEN = /[^a-z0-9-]/u

/**
 * Checks the name of a volume: a DNS-1123 label, as Kubernetes asks for volumes. No dots: libvirt drops, without a
 * word, an alias (`ua-NAME`) that holds anything but letters, digits, `_` and `-`, and the alias is how the disk is found again.
 *
 * @returns the refusal (`InvalidName`), or null if the name is good.
 */
export function checkVolumeName(name: string): HotplugError | null {
  if (name === '') return refuse(name, 'it is empty')
  const forbidden = FORBIDDEN.exec(name)
  if (forbidden !== null) return refuse(name, `character ${forbidden.index + 1} is ${JSON.stringify(forbidden[0])}`)
  if (name.length > LONGEST) return refuse(name, `it has ${name.length} characters`)
  if (name.startsWith('-')) return refuse(name, "it begins with '-'")
  if (name.endsWith('-')) return refuse(name, "it ends with '-'")
  return null
}

function refuse(name: string, why: string): HotplugError {
  const shown = name.length > 2 * LONGEST ? `${name.slice(0, 2 * LONGEST)}…` : name
  return new HotplugError('InvalidName', `volume name ${JSON.stringify(shown)}: ${why}`, { detail: { name: shown } })
}
