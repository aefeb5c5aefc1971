import { crc32 } from 'node:zlib'
import type { VolumeKey } from '../../../model/ids.ts'
import type { VolumeRecord } from '../../../model/record.ts'
import { isVolumeKey, isVolumeRecord } from './record-shape.ts'

/** Of the lines below. Whoever changes them, or the meaning of a record, counts on. */
export const JOURNAL_FORMAT = 1

/** What one line says: the newest record of a volume, or that the volume is gone. */
export type JournalEntry =
  | { readonly seq: number; readonly put: VolumeRecord }
  | { readonly seq: number; readonly drop: VolumeKey }

/** The first line: which program wrote the file, in which boot. */
export interface JournalHeader {
  readonly format: number
  readonly boot: string
}

const HEADER_SALT = crc32('hotplugd exposure journal')
const LINE = /^\{"crc":"([0-9a-f]{8})",(.*)\}$/s

/**
 * Lines of JSON that carry a CRC-32 of their own text. The checksum of a record is salted with format and boot, so that
 * a line is believed even under a damaged header, and never in another boot.
 */
export class JournalLines {
  readonly #boot: string
  readonly #salt: number

  constructor(boot: string) {
    this.#boot = boot
    this.#salt = crc32(`${JOURNAL_FORMAT} ${boot}`, HEADER_SALT)
  }

  header(): string {
    return seal({ format: JOURNAL_FORMAT, boot: this.#boot } satisfies JournalHeader, HEADER_SALT)
  }

  entry(entry: JournalEntry): string {
    return seal(entry, this.#salt)
  }

  /** Null: not a header, or a damaged one. */
  parseHeader(line: string): JournalHeader | null {
    const { format, boot } = unseal(line, HEADER_SALT) ?? {}
    return typeof format === 'number' && typeof boot === 'string' ? { format, boot } : null
  }

  /** Null: damaged, of another boot or format, or not in the shape of a record. */
  parseEntry(line: string): JournalEntry | null {
    const { seq, put, drop } = unseal(line, this.#salt) ?? {}
    if (typeof seq !== 'number') return null
    if (isVolumeRecord(put)) return { seq, put }
    return isVolumeKey(drop) ? { seq, drop } : null
  }
}

function seal(content: object, salt: number): string {
  const rest = JSON.stringify(content).slice(1, -1)
  return `{"crc":"${checksum(rest, salt)}",${rest}}\n`
}

function unseal(line: string, salt: number): Record<string, unknown> | null {
  const [, crc, rest] = LINE.exec(line) ?? []
  if (crc === undefined || rest === undefined || checksum(rest, salt) !== crc) return null
  try {
    const content: Record<string, unknown> = JSON.parse(`{${rest}}`)
    return content
  } catch {
    return null
  }
}

function checksum(text: string, salt: number): string {
  return crc32(text, salt).toString(16).padStart(8, '0')
}
