import { join } from 'node:path'
import { signatureAt, type FileLook } from './manifest-directory.ts'
import { readManifestFile, refuse } from './manifest-file.ts'
import type { ManifestLedger } from './manifest-ledger.ts'
import type { Observed } from './manifest-rules.ts'
import { writersOf } from './open-for-writing.ts'

/** How long files must be at rest, in ms. */
export interface RestTimes {
  /** Unchanged for so long, and not open for writing, a file is read. */
  readonly settleMs: number
  /** Missing for so long, a file was deleted; a shorter gap is an editor's or a tool's way to replace it. */
  readonly goneMs: number
}

interface Seen {
  readonly signature: string
  readonly sinceMs: number
  /** What was wrong with it once it was at rest, so that it is not read again and again. */
  readonly fault: Observed | null
}

const GONE = 'gone'
const LONG_MS = 5_000
const WAITS: Observed = { kind: 'waiting', reason: 'rest' }

/**
 * Decides when a file has come to rest. An editor that truncates and writes shows an empty file, then the first half of
 * a file, which can be a valid manifest with fewer volumes or with a shorter path: such a moment must not be believed.
 */
export class ManifestSettling {
  readonly #directory: string
  readonly #times: RestTimes
  #seen: ReadonlyMap<string, Seen> = new Map()

  constructor(directory: string, times: RestTimes) {
    this.#directory = directory
    this.#times = times
  }

  /** All files that are there or that the ledger knows. Files that wait are to be looked at again soon. */
  async observe(files: ReadonlyMap<string, FileLook>, ledger: ManifestLedger, nowMs: number): Promise<ReadonlyMap<string, Observed>> {
    const names = [...new Set([...files.keys(), ...Object.keys(ledger.files)])]
    const seen = new Map(names.map((name) => [name, remember(this.#seen.get(name), files.get(name)?.signature ?? GONE, nowMs)]))
    const states = new Map<string, Observed>()
    const unread = new Map<string, FileLook>()
    for (const [name, { sinceMs, fault }] of seen) {
      const file = files.get(name)
      const state = fault ?? this.#judge(name, file, ledger, nowMs - sinceMs)
      if (state !== null) states.set(name, state)
      else if (file !== undefined) unread.set(name, file)
    }
    for (const [name, state] of await this.#readAll(unread, seen, nowMs)) states.set(name, state)
    this.#seen = new Map([...seen].map(([name, one]) => [name, { ...one, fault: faultIn(states.get(name)) }]))
    return states
  }

  /** The directory was lost: how long a file was missing counts anew. */
  forget(): void {
    this.#seen = new Map()
  }

  /** Null: it is at rest and must be read to tell. */
  #judge(name: string, file: FileLook | undefined, ledger: ManifestLedger, restMs: number): Observed | null {
    if (file === undefined) return restMs >= this.#times.goneMs ? { kind: 'absent' } : WAITS
    if (isSame(name, file, ledger)) return { kind: 'same' }
    return restMs >= this.#times.settleMs ? null : WAITS
  }

  async #readAll(files: ReadonlyMap<string, FileLook>, seen: ReadonlyMap<string, Seen>, nowMs: number): Promise<readonly (readonly [string, Observed])[]> {
    const writers = await writersOf([...files.keys()].map((name) => join(this.#directory, name)))
    const reading = [...files].map(async ([name, file]) => {
      const path = join(this.#directory, name)
      const pid = writers.get(path)
      const restMs = nowMs - (seen.get(name)?.sinceMs ?? nowMs)
      return [name, pid === undefined ? await read(path, file) : awaitWriter(pid, restMs)] as const
    })
    return Promise.all(reading)
  }
}

async function read(path: string, { content, signature }: FileLook): Promise<Observed> {
  if (content.kind === 'unreadable') return { kind: 'invalid', ...refuse(path, `cannot be read: ${content.why}`) }
  if ((await signatureAt(path)) !== signature) return WAITS // the writer was gone only just now
  const reading = readManifestFile(path, content.bytes)
  return reading.valid ? { kind: 'valid', hash: content.hash, manifests: reading.manifests } : { kind: 'invalid', ...reading }
}

function awaitWriter(pid: number, restMs: number): Observed {
  return restMs < LONG_MS ? { kind: 'waiting', reason: 'writer' } : { kind: 'waiting', reason: 'longWriter', pid }
}

function remember(before: Seen | undefined, signature: string, nowMs: number): Seen {
  return before?.signature === signature ? before : { signature, sinceMs: nowMs, fault: null }
}

function faultIn(state: Observed | undefined): Observed | null {
  return state?.kind === 'invalid' ? state : null
}

function isSame(name: string, { content }: FileLook, ledger: ManifestLedger): boolean {
  const record = Object.hasOwn(ledger.files, name) ? ledger.files[name] : undefined
  return record !== undefined && content.kind === 'bytes' && content.hash === record.hash
}
