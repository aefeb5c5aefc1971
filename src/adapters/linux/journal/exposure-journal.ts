import { mkdirSync, readFileSync } from 'node:fs'
import { volumeId, type VolumeKey } from '../../../model/ids.ts'
import type { VolumeRecord } from '../../../model/record.ts'
import type { JournalStep } from '../../../model/steps.ts'
import type { Journal, JournalContents } from '../../../ports/journal.ts'
import { JournalFile, journalPath } from './journal-file.ts'
import { JournalLines } from './journal-line.ts'
import { readJournal, type JournalReading } from './journal-text.ts'
import { failed } from '../system-failure.ts'

export interface JournalOptions {
  /** Called around each append of a record; tests end the process here. */
  readonly onStep?: (when: 'before' | 'after', step: JournalStep) => void
  /** @default the kernel's, of this boot */
  readonly bootId?: string
}

/** Below this size a journal is not worth compacting while the agent runs. */
const COMPACT_BEYOND_BYTES = 1024 * 1024

/**
 * The exposure journal of a run directory (made if it is not there, mode 0711): `exposures.journal`, mode 0600.
 * Whoever opens it holds the node's lock. Throws HotplugError `JournalUnwritable`.
 */
export function openJournal(runDir: string, options: JournalOptions = {}): Journal {
  try {
    mkdirSync(runDir, { recursive: true, mode: 0o711 })
    const boot = options.bootId ?? readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    return new ExposureJournal(new JournalFile(journalPath(runDir)), boot, options.onStep)
  } catch (error) {
    throw failed('JournalUnwritable', `open the exposure journal in ${runDir}`, error)
  }
}

interface Kept {
  readonly record: VolumeRecord
  readonly lineBytes: number
}

type Unnumbered = { readonly put: VolumeRecord } | { readonly drop: VolumeKey }

class ExposureJournal implements Journal {
  readonly #file: JournalFile
  readonly #boot: string
  readonly #lines: JournalLines
  readonly #onStep: JournalOptions['onStep']
  readonly #kept = new Map<string, Kept>()
  #keptBytes = 0
  #seq = 0
  #compactBeyond = COMPACT_BEYOND_BYTES
  /** What is under the name now was not understood, and is not to be overwritten before it was kept aside. */
  #isDoubtful = false

  constructor(file: JournalFile, boot: string, onStep: JournalOptions['onStep']) {
    this.#file = file
    this.#boot = boot
    this.#lines = new JournalLines(boot)
    this.#onStep = onStep
  }

  load(): JournalContents {
    this.close()
    const { records, doubts, isDamaged } = this.#guarded('read', () => this.#read())
    for (const id of this.#kept.keys()) this.#keep(id, null)
    for (const [id, record] of records) this.#keep(id, { record, lineBytes: 0 })
    this.#isDoubtful = isDamaged
    return { records: [...records.values()], doubts: [...doubts, ...this.#tryRenew()] }
  }

  append(record: VolumeRecord): void {
    this.#onStep?.('before', record.step)
    this.#guarded('write', () => this.#write({ put: record }))
    this.#onStep?.('after', record.step)
  }

  forget(key: VolumeKey): void {
    if (!this.#kept.has(volumeId(key))) return
    this.#guarded('write', () => this.#write({ drop: key }))
  }

  close(): void {
    this.#file.close()
  }

  #read(): JournalReading {
    const found = this.#file.read()
    if (found === null) return { records: new Map(), doubts: [], isDamaged: false }
    if ('trouble' in found) return { records: new Map(), doubts: [found.trouble], isDamaged: true }
    return readJournal(found.text, this.#lines, this.#boot)
  }

  #write(entry: Unnumbered): void {
    if (!this.#file.isSound()) this.#renew()
    const line = this.#lines.entry({ seq: this.#seq + 1, ...entry })
    this.#file.append(line)
    this.#seq++
    if ('put' in entry) this.#keep(volumeId(entry.put.key), { record: entry.put, lineBytes: Buffer.byteLength(line) })
    else this.#keep(volumeId(entry.drop), null)
    this.#compactIfWorthIt()
  }

  #keep(id: string, next: Kept | null): void {
    this.#keptBytes += (next?.lineBytes ?? 0) - (this.#kept.get(id)?.lineBytes ?? 0)
    if (next === null) this.#kept.delete(id)
    else this.#kept.set(id, next)
  }

  /** A failure leaves the old file, which is as good as before, and is tried again after as much has been written. */
  #compactIfWorthIt(): void {
    const { lengthBytes } = this.#file
    if (lengthBytes < this.#compactBeyond || this.#keptBytes * 2 > lengthBytes) return
    this.#compactBeyond = lengthBytes + COMPACT_BEYOND_BYTES
    this.#tryRenew()
  }

  #tryRenew(): string[] {
    try {
      this.#renew()
      return []
    } catch (error) {
      return [`${failed('JournalUnwritable', 'rewrite the journal', error).message}; it is tried again at the next step`]
    }
  }

  /** A new file with a header and the newest record of each volume. */
  #renew(): void {
    if (this.#isDoubtful) this.#file.keepAside()
    this.#isDoubtful = false
    const entries = [...this.#kept].map(([id, { record }], i) => ({ id, record, line: this.#lines.entry({ seq: i + 1, put: record }) }))
    this.#file.replace(this.#lines.header() + entries.map(({ line }) => line).join(''))
    for (const { id, record, line } of entries) this.#keep(id, { record, lineBytes: Buffer.byteLength(line) })
    this.#seq = entries.length
    this.#compactBeyond = COMPACT_BEYOND_BYTES
  }

  #guarded<T>(doing: string, act: () => T): T {
    try {
      return act()
    } catch (error) {
      throw failed('JournalUnwritable', `${doing} the exposure journal ${this.#file.path}`, error)
    }
  }
}
