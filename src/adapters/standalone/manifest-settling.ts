import { join } from 'node:path'
import { signatureAt, type FileLook } from './manifest-directory.ts'
import { readManifestFile, refuse } from './manifest-file.ts'
import type { ManifestLedger } from './manifest-ledger.ts'
import type { Observed } from './manifest-rules.ts'
import { writerOf } from './open-for-writing.ts'

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
const AT_REST_SOON: Observed = { kind: 'waiting', reason: 'rest' }

/**
 * Decides when a file has come to rest. An editor that truncates and writes shows an empty file, then the first half of
 * a file, which can be a valid manifest with fewer volumes or with a shorter path: such a moment must not be believed.
 */
export class ManifestSettling {
  readonly #directory: string
  readonly #times: RestTimes
  #seen = new Map<string, Seen>()

  constructor(directory: string, times: RestTimes) {
    this.#directory = directory
    this.#times = times
  }

  /** All files that are there or that the ledger knows. Files that wait are to be looked at again soon. */
  async observe(files: ReadonlyMap<string, FileLook>, ledger: ManifestLedger, nowMs: number): Promise<ReadonlyMap<string, Observed>> {
    const names = new Set([...files.keys(), ...Object.keys(ledger.files)])
    const before = this.#seen
    this.#seen = new Map()
    const observed = new Map<string, Observed>()
    for (const name of names) {
      const seen = remember(before.get(name), files.get(name)?.signature ?? GONE, nowMs)
      const state = seen.fault ?? (await this.#judge(name, files.get(name), ledger, nowMs - seen.sinceMs))
      this.#seen.set(name, state.kind === 'invalid' ? { ...seen, fault: state } : seen)
      observed.set(name, state)
    }
    return observed
  }

  /** The directory was lost: how long a file was missing counts anew. */
  forget(): void {
    this.#seen = new Map()
  }

  async #judge(name: string, file: FileLook | undefined, ledger: ManifestLedger, restMs: number): Promise<Observed> {
    if (file === undefined) return restMs >= this.#times.goneMs ? { kind: 'absent' } : AT_REST_SOON
    if (isSame(name, file, ledger)) return { kind: 'same' }
    return restMs >= this.#times.settleMs ? this.#read(name, file, restMs) : AT_REST_SOON
  }

  async #read(name: string, { content, signature }: FileLook, restMs: number): Promise<Observed> {
    const path = join(this.#directory, name)
    if (content.kind === 'unreadable') return { kind: 'invalid', ...refuse(path, `cannot be read: ${content.why}`) }
    const pid = await writerOf(path)
    if (pid !== null) return restMs < LONG_MS ? { kind: 'waiting', reason: 'writer' } : { kind: 'waiting', reason: 'longWriter', pid }
    if ((await signatureAt(path)) !== signature) return AT_REST_SOON
    const reading = readManifestFile(path, content.bytes)
    return reading.valid ? { kind: 'valid', hash: content.hash, manifests: reading.manifests } : { kind: 'invalid', ...reading }
  }
}

function remember(before: Seen | undefined, signature: string, nowMs: number): Seen {
  return before?.signature === signature ? before : { signature, sinceMs: nowMs, fault: null }
}

function isSame(name: string, { content }: FileLook, ledger: ManifestLedger): boolean {
  const record = Object.hasOwn(ledger.files, name) ? ledger.files[name] : undefined
  return record !== undefined && content.kind === 'bytes' && content.hash === record.hash
}
