import { readdirSync, readFileSync, rmdirSync, unlinkSync } from 'node:fs'
import { link, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { BaseLogger } from 'pino'
import { type VmKey, vmKey, type VolumeKey, volumeId, vmRef } from '../../model/ids.ts'
import { isWrittenAside, removeDurably, writeDurably } from '../linux/durable-file.ts'
import { fromFileName, toFileName } from './file-name.ts'
import { seal, unseal } from './sealed-file.ts'
import { makeDirectory, stateUnwritable } from './state-directory.ts'

const SUFFIX = '.json'

/** A file, or a VM's whole directory, that could not be used. */
export interface Unusable {
  readonly vm: VmKey
  /** Null: none of the VM's files could be read. */
  readonly volume: string | null
  readonly path: string
  readonly why: string
}

/** What was found on the disk. */
export interface KeyedContents {
  readonly entries: readonly { readonly key: VolumeKey; readonly value: unknown }[]
  readonly unusable: readonly Unusable[]
}

/**
 * One sealed file for each volume, at `root/NAMESPACE/VM/VOLUME.json`. Changes of one key are made in the order in which
 * they were asked for, those of different keys beside each other. One writer only.
 */
export class KeyedFiles {
  readonly #root: string
  readonly #kind: string
  readonly #log: BaseLogger
  /** What the files hold, as far as is known. */
  readonly #stored = new Map<string, string>()
  readonly #unusable = new Set<string>()
  readonly #queues = new Map<string, Promise<void>>()

  constructor(root: string, kind: string, log: BaseLogger) {
    this.#root = root
    this.#kind = kind
    this.#log = log
  }

  /**
   * Reads all files; called once, before anything is changed. Leftovers of a write that was cut off are removed, what
   * cannot be used is left where it is and told. Throws HotplugError `StateUnwritable` if the root itself cannot be read.
   */
  load(): KeyedContents {
    const found = { entries: [], unusable: [] }
    for (const namespace of list(this.#root)) {
      for (const vm of list(join(this.#root, namespace))) this.#loadVm([namespace, vm], found)
    }
    return found
  }

  /** Resolves when durable. Throws HotplugError `StateUnwritable`; the old value then holds again. */
  put(key: VolumeKey, value: unknown): Promise<void> {
    return this.#inOrder(key, () => this.#replace(key, seal(this.#kind, value)))
  }

  /** Resolves when durable; an absent value is fine. Errors as `put`. */
  remove(key: VolumeKey): Promise<void> {
    return this.#inOrder(key, () => this.#replace(key, null))
  }

  /** Resolves when nothing is under way any more. */
  async settled(): Promise<void> {
    await Promise.all(this.#queues.values())
  }

  #loadVm(names: readonly [string, string], found: Found): void {
    const [namespace, name] = names.map(fromFileName)
    if (namespace == null || name == null) return this.#log.warn({ path: join(this.#root, ...names) }, 'unknown directory left alone')
    const vm = vmKey({ namespace, name })
    const directory = join(this.#root, ...names)
    try {
      for (const file of list(directory)) this.#loadFile(vm, join(directory, file), found)
      rmdirIfEmpty(directory)
    } catch (error) {
      found.unusable.push({ vm, volume: null, path: directory, why: String((error as NodeJS.ErrnoException).code ?? error) })
    }
  }

  #loadFile(vm: VmKey, path: string, found: Found): void {
    const file = path.slice(dirname(path).length + 1)
    if (isWrittenAside(file)) return unlinkSync(path)
    const volume = file.endsWith(SUFFIX) ? fromFileName(file.slice(0, -SUFFIX.length)) : null
    if (volume === null) return this.#log.debug({ path }, 'unknown file left alone')
    const key = { vm, volume }
    const { text, why, value } = this.#read(path)
    if (why === null) {
      this.#stored.set(volumeId(key), text)
      found.entries.push({ key, value })
    } else {
      this.#unusable.add(volumeId(key))
      found.unusable.push({ ...key, path, why })
    }
  }

  #read(path: string): { readonly text: string; readonly why: string | null; readonly value: unknown } {
    try {
      const text = readFileSync(path, 'utf8')
      const unsealed = unseal(this.#kind, text)
      return unsealed.ok ? { text, why: null, value: unsealed.value } : { text, why: unsealed.why, value: null }
    } catch (error) {
      return { text: '', why: `cannot be read: ${String((error as NodeJS.ErrnoException).code ?? error)}`, value: null }
    }
  }

  #inOrder(key: VolumeKey, act: () => Promise<void>): Promise<void> {
    const id = volumeId(key)
    const done = (this.#queues.get(id) ?? Promise.resolve()).then(act)
    const quiet = done.catch(() => {}).then(() => void (this.#queues.get(id) === quiet && this.#queues.delete(id)))
    this.#queues.set(id, quiet)
    return done
  }

  async #replace(key: VolumeKey, text: string | null): Promise<void> {
    const path = this.#path(key)
    try {
      await this.#keepUnusable(key, path)
      await write(path, text)
    } catch (error) {
      await this.#restore(key, path)
      throw error
    }
    this.#unusable.delete(volumeId(key))
    if (text === null) this.#stored.delete(volumeId(key))
    else this.#stored.set(volumeId(key), text)
  }

  /** A file that could not be used gets a second name before it is replaced, for a person to look at. */
  async #keepUnusable(key: VolumeKey, path: string): Promise<void> {
    if (!this.#unusable.has(volumeId(key))) return
    await link(path, `${path}.unusable-${Date.now()}`).catch((error: unknown) => this.#log.warn({ path, err: error }, 'unusable file not kept'))
  }

  /** After a failed write the disk may hold either value: the old one is what was promised. */
  async #restore(key: VolumeKey, path: string): Promise<void> {
    const stored = this.#stored.get(volumeId(key)) ?? null
    const now = await readFile(path, 'utf8').catch(() => null)
    if (now === stored || this.#unusable.has(volumeId(key))) return
    await write(path, stored).catch((err: unknown) => this.#log.error({ path, err }, 'state file may hold a change that was refused'))
  }

  #path({ vm, volume }: VolumeKey): string {
    const { namespace, name } = vmRef(vm)
    return join(this.#root, toFileName(namespace), toFileName(name), toFileName(volume) + SUFFIX)
  }
}

interface Found {
  readonly entries: { key: VolumeKey; value: unknown }[]
  readonly unusable: Unusable[]
}

async function write(path: string, text: string | null): Promise<void> {
  if (text === null) return removeIfThere(path)
  await makeDirectory(dirname(path))
  await writeDurably(path, text)
}

/** A directory that is not there holds no file either. */
async function removeIfThere(path: string): Promise<void> {
  await removeDurably(path).catch((error: { readonly detail?: { readonly errno?: unknown } }) => {
    if (error.detail?.errno !== 'ENOENT') throw error
  })
}

function list(directory: string): readonly string[] {
  try {
    return readdirSync(directory).toSorted()
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return []
    throw stateUnwritable('read', directory, error)
  }
}

function rmdirIfEmpty(directory: string): void {
  try {
    rmdirSync(directory)
  } catch {
    // it is not empty, which is the common case; a directory too many does no harm
  }
}
