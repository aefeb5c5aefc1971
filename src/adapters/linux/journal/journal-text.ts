import { volumeId } from '../../../model/ids.ts'
import type { VolumeRecord } from '../../../model/record.ts'
import { JOURNAL_FORMAT, type JournalEntry, type JournalLines } from './journal-line.ts'

/** What a journal's text says. */
export interface JournalReading {
  /** The last record of each volume, by volumeId. */
  readonly records: ReadonlyMap<string, VolumeRecord>
  readonly doubts: readonly string[]
  /** Something in it was not understood: worth keeping for a person to look at. */
  readonly isDamaged: boolean
}

const MOST_DOUBTS = 20

/** Reads as much of the text as can be trusted. Never throws, and never makes a record up. */
export function readJournal(text: string, lines: JournalLines, boot: string): JournalReading {
  const all = text.split('\n')
  const tail = all.pop() ?? ''
  const header = lines.parseHeader(all[0] ?? tail)
  if (header !== null && header.format !== JOURNAL_FORMAT) return voided(describeFormat(header.format), true)
  if (header !== null && header.boot !== boot) return voided('the journal is of an earlier boot: nothing in it holds any more', false)
  const reader = new EntryReader(lines)
  if (header === null) reader.doubt('the first line of the journal is damaged or missing')
  // Without a header the first line may be a record all the same.
  for (const [i, line] of all.entries()) if (i > 0 || header === null) reader.read(line, i + 1)
  if (tail !== '') reader.readTorn(tail, all.length + 1)
  return reader.result()
}

class EntryReader {
  readonly #lines: JournalLines
  readonly #records = new Map<string, VolumeRecord>()
  readonly #doubts: string[] = []
  #seq = 0
  #damagedSince = false

  constructor(lines: JournalLines) {
    this.#lines = lines
  }

  doubt(words: string): void {
    this.#doubts.push(words)
    this.#damagedSince = true
  }

  read(line: string, number: number): void {
    const entry = this.#lines.parseEntry(line)
    if (entry === null) return this.doubt(`line ${number} is damaged`)
    if (entry.seq <= this.#seq) return this.doubt(`line ${number} is out of order`)
    if (entry.seq !== this.#seq + 1 && !this.#damagedSince) this.doubt(`lines are missing before line ${number}`)
    this.#take(entry)
  }

  /** The end of the text after the last newline: the line that was being written when the agent was killed. */
  readTorn(line: string, number: number): void {
    this.doubt(`the journal ends within line ${number}`)
    const entry = this.#lines.parseEntry(line)
    if (entry !== null && entry.seq > this.#seq) this.#take(entry)
  }

  result(): JournalReading {
    const more = this.#doubts.length - MOST_DOUBTS
    const doubts = more > 0 ? [...this.#doubts.slice(0, MOST_DOUBTS), `and ${more} more`] : this.#doubts
    return { records: this.#records, doubts, isDamaged: doubts.length > 0 }
  }

  #take(entry: JournalEntry): void {
    this.#seq = entry.seq
    this.#damagedSince = false
    if ('put' in entry) this.#records.set(volumeId(entry.put.key), entry.put)
    else this.#records.delete(volumeId(entry.drop))
  }
}

function voided(doubt: string, isDamaged: boolean): JournalReading {
  return { records: new Map(), doubts: [doubt], isDamaged }
}

function describeFormat(format: number): string {
  const age = format > JOURNAL_FORMAT ? 'a newer' : 'an older'
  return `the journal was written by ${age} version of hotplugd (format ${format}, known is ${JOURNAL_FORMAT})`
}
