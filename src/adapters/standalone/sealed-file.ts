import { crc32 } from 'node:zlib'

/** The format of every file in the state directory. */
export const STATE_FORMAT = 1

/** What a sealed text held, or why it cannot be used. */
export type Unsealed = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly why: string }

const SEAL = /^hotplugd ([a-z]+) (\d{1,9}) ([0-9a-f]{8})\n/

/** The value as text, below a line that names its kind, format and checksum. */
export function seal(kind: string, value: unknown): string {
  const body = `${JSON.stringify(value)}\n`
  return `hotplugd ${kind} ${STATE_FORMAT} ${checksum(body)}\n${body}`
}

/** The value in a sealed text. A torn, changed or foreign one is told, never guessed at. */
export function unseal(kind: string, text: string): Unsealed {
  const found = SEAL.exec(text)
  if (found === null || found[1] !== kind) return { ok: false, why: `it does not begin as a ${kind} file of hotplugd does` }
  if (Number(found[2]) !== STATE_FORMAT) return { ok: false, why: `it has format ${found[2]}, this version reads ${STATE_FORMAT}` }
  const body = text.slice(found[0].length)
  if (checksum(body) !== found[3]) return { ok: false, why: 'its checksum does not match: it is torn or was changed' }
  return { ok: true, value: JSON.parse(body) }
}

function checksum(body: string): string {
  return crc32(body).toString(16).padStart(8, '0')
}
