import { closeSync, constants, fstatSync, ftruncateSync, linkSync, lstatSync, openSync, readFileSync, readdirSync, renameSync, rmSync, writeSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { isSystemFailure } from '../system-failure.ts'

const { O_APPEND, O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_WRONLY } = constants
const MOST_KEPT = 5
const MOST_BYTES = 256 * 1024 * 1024

/** What is under the journal's name: its text, nothing, or something that cannot be read as one (in words). */
export type Found = { readonly text: string } | { readonly trouble: string } | null

/**
 * The file below the journal: appended to, cut back after a failed append so that no half line stays, replaced as a
 * whole, kept aside. Throws what the system calls throw. Survives SIGKILL at any instant, not power loss.
 */
export class JournalFile {
  readonly path: string
  #fd: number | null = null
  #length = 0
  #mayBeTorn = false

  constructor(path: string) {
    this.path = path
  }

  get lengthBytes(): number {
    return this.#length
  }

  /** Throws where trying again may help (EMFILE) or permission is missing: then there may be a good journal. */
  read(): Found {
    const status = lstatSync(this.path, { throwIfNoEntry: false })
    if (status === undefined) return null
    if (!status.isFile()) return { trouble: 'the journal is not a regular file' }
    if (status.size > MOST_BYTES) return { trouble: `the journal has ${status.size} bytes, which no journal has` }
    return this.#readText()
  }

  /** Whether an append would land where it belongs: nobody took the file away, cut it or wrote to it. */
  isSound(): boolean {
    if (this.#fd === null || (this.#mayBeTorn && !this.#cutBack())) return false
    const { nlink, size } = fstatSync(this.#fd)
    return nlink > 0 && size === this.#length
  }

  append(line: string): void {
    if (this.#fd === null) throw new Error('the journal is not open')
    try {
      this.#length += writeWhole(this.#fd, line)
    } catch (error) {
      this.#cutBack()
      throw error
    }
  }

  /** The new text is complete before it takes the name; what was there stays until then. */
  replace(text: string): void {
    const aside = `${this.path}.new`
    rmSync(aside, { force: true, recursive: true })
    const fd = openSync(aside, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_NOFOLLOW, 0o600)
    try {
      const length = writeWhole(fd, text)
      renameSync(aside, this.path)
      this.close()
      this.#fd = fd
      this.#length = length
    } catch (error) {
      closeSync(fd)
      rmSync(aside, { force: true })
      throw error
    }
  }

  /** Keeps what is under the name for a person to look at, as `…doubtful-N`, the newest few of them. */
  keepAside(): void {
    const kept = this.#keptNumbers()
    const aside = `${this.path}.doubtful-${(kept.at(-1) ?? 0) + 1}`
    // A file keeps its name as well until it is replaced; anything else has to make room.
    if (lstatSync(this.path).isFile()) linkSync(this.path, aside)
    else renameSync(this.path, aside)
    for (const number of kept.slice(0, -(MOST_KEPT - 1))) rmSync(`${this.path}.doubtful-${number}`, { force: true, recursive: true })
  }

  close(): void {
    if (this.#fd !== null) closeSync(this.#fd)
    this.#fd = null
    this.#mayBeTorn = false
  }

  #readText(): Found {
    const fd = openSync(this.path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
    try {
      if (!fstatSync(fd).isFile()) return { trouble: 'the journal is not a regular file' }
      return { text: readFileSync(fd, 'utf8') }
    } catch (error) {
      if (!isSystemFailure(error) || error.code !== 'EIO') throw error
      return { trouble: 'the journal cannot be read: EIO from read' }
    } finally {
      closeSync(fd)
    }
  }

  #cutBack(): boolean {
    try {
      ftruncateSync(this.#fd ?? -1, this.#length)
      this.#mayBeTorn = false
    } catch {
      this.#mayBeTorn = true
    }
    return !this.#mayBeTorn
  }

  #keptNumbers(): number[] {
    const prefix = `${basename(this.path)}.doubtful-`
    const names = readdirSync(dirname(this.path)).filter((name) => name.startsWith(prefix))
    return names.map((name) => Number(name.slice(prefix.length))).filter(Number.isSafeInteger).sort((a, b) => a - b)
  }
}

/** Returns the bytes written; short writes are gone on with. */
function writeWhole(fd: number, text: string): number {
  const bytes = Buffer.from(text)
  for (let done = 0; done < bytes.length; ) {
    const written = writeSync(fd, bytes, done)
    if (written === 0) throw Object.assign(new Error('nothing could be written'), { code: 'ENOSPC', syscall: 'write' })
    done += written
  }
  return bytes.length
}

/** Where the journal of a run directory lies. */
export function journalPath(runDir: string): string {
  return join(runDir, 'exposures.journal')
}
