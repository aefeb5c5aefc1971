import { type FSWatcher, watch } from 'node:fs'
import type { BaseLogger } from 'pino'
import { Repeats } from '../../core/repeats.ts'
import type { DesiredProblem, DesiredSnapshot } from '../../model/desired.ts'
import type { Clock } from '../../ports/clock.ts'
import type { DesiredSource } from '../../ports/desired-source.ts'
import type { DirectoryIdentity } from './directory-identity.ts'
import { lookAt, type DirectoryLook, type FileLook } from './manifest-directory.ts'
import { EMPTY_LEDGER, ledgerPath, loadLedger, saveLedger, type ManifestLedger } from './manifest-ledger.ts'
import { judge, type Judgement } from './manifest-rules.ts'
import { ManifestSettling, type RestTimes } from './manifest-settling.ts'
import { makeDirectory } from './state-directory.ts'

/** What the manifest source needs, and its patience. */
export interface ManifestOptions extends Partial<RestTimes> {
  /** Absolute path of the directory with the manifests. */
  readonly directory: string
  readonly stateDir: string
  readonly log: BaseLogger
  readonly clock: Clock
  /** A whole look backs up lost events this often. @default 30000 */
  readonly pollMs?: number
}

const EVENT_MS = 10
const AGAIN_MS = 50
const WRITER_MS = 250
const MISSING_MS = 2_000
const POLL_MS = 30_000
const AGAIN_AFTER_MS = { rest: AGAIN_MS, writer: WRITER_MS, longWriter: MISSING_MS }
const REST = { settleMs: 100, goneMs: 500 }

/**
 * The desired state that a directory of YAML files names. Each file is believed once it came to rest; only an edit, or a
 * file that is missing from the same directory on the same mount, takes a volume back. What was read last is kept in
 * `stateDir/manifests.json`, so that this holds across a restart. Only one process may run it on a state directory.
 */
export function createManifestSource(options: ManifestOptions): DesiredSource {
  return new Manifests(options)
}

class Manifests implements DesiredSource {
  readonly name = 'manifests'
  readonly #options: ManifestOptions
  readonly #settling: ManifestSettling
  #ledger: ManifestLedger = EMPTY_LEDGER
  /** Why the ledger could not be read; nothing absent is unwanted then, and the ledger is left for a person to see. */
  #lost: string | null = null
  readonly #failures = new Repeats()
  #saved = ''
  #files: ReadonlyMap<string, FileLook> = new Map()
  #synced = false
  #told = ''
  #listener: ((snapshot: DesiredSnapshot) => void) | null = null
  #watcher: FSWatcher | null = null
  #watched = ''
  #timer: { readonly atMs: number; readonly cancel: () => void } | null = null
  #looking: Promise<void> | null = null

  constructor(options: ManifestOptions) {
    this.#options = options
    this.#settling = new ManifestSettling(options.directory, { ...REST, ...options })
  }

  async start(listener: (snapshot: DesiredSnapshot) => void): Promise<void> {
    this.#listener = listener
    this.#load()
    await this.#look()
  }

  async close(): Promise<void> {
    this.#listener = null
    this.#timer?.cancel()
    this.#watcher?.close()
    await this.#looking
  }

  #load(): void {
    const { ledger, why } = loadLedger(this.#options.stateDir)
    if (ledger === null) this.#lost = why
    else this.#ledger = ledger
    this.#saved = JSON.stringify(this.#ledger)
  }

  #look(): Promise<void> {
    this.#timer = null
    this.#looking = this.#lookOnce().catch((err: unknown) => {
      this.#tellFailure(err)
      this.#schedule(MISSING_MS)
    })
    return this.#looking
  }

  #tellFailure(err: unknown): void {
    const { log, clock, directory } = this.#options
    const { isSaid, ...again } = this.#failures.happened(String(err), clock.monotonicMs())
    if (isSaid) log.warn({ directory, ...again, err }, 'look at manifests failed')
  }

  async #lookOnce(): Promise<void> {
    const { directory } = this.#options
    const look = await lookAt(directory, this.#files)
    const delayMs = look.kind === 'read' ? await this.#take(look) : await this.#keepAll(look.why)
    if (this.#listener !== null) this.#schedule(delayMs)
  }

  /** Nothing is removed, nothing is new. Answers after how many ms to look again. */
  async #keepAll(why: string): Promise<number> {
    this.#settling.forget()
    this.#unwatch()
    // with nothing known from before there is nothing that could be taken for removed
    const isNew = Object.keys(this.#ledger.files).length === 0 && this.#lost === null
    const message = `no manifests can be read from ${this.#options.directory}: ${why}${isNew ? '' : '; its volumes stay as they were'}`
    this.#tell(isNew, [], [{ vm: null, volume: null, reason: 'ManifestsUnreadable', message }])
    return MISSING_MS
  }

  async #take(look: Extract<DirectoryLook, { kind: 'read' }>): Promise<number> {
    const { directory, clock, pollMs } = this.#options
    this.#files = look.files
    const isWatchNew = this.#watch(look.identity)
    const files = await this.#settling.observe(look.files, this.#ledger, clock.monotonicMs())
    const judgement = judge(this.#ledger, { directory, identity: look.identity, files })
    this.#ledger = judgement.ledger
    const waits = [...files.values()].filter((one) => one.kind === 'waiting').map((one) => one.reason)
    this.#synced ||= waits.length === 0
    const trouble = await this.#save()
    this.#tellJudgement(judgement, trouble)
    const polled = isWatchNew ? AGAIN_MS : (pollMs ?? POLL_MS)
    return Math.min(polled, ...waits.map((reason) => AGAIN_AFTER_MS[reason]))
  }

  #tellJudgement({ unreadable, problems }: Judgement, trouble: readonly DesiredProblem[]): void {
    this.#tell(this.#synced && this.#lost === null, unreadable, [...problems, ...trouble])
  }

  #tell(synced: boolean, unreadable: DesiredSnapshot['unreadable'], problems: readonly DesiredProblem[]): void {
    const volumes = Object.values(this.#ledger.vms).flat()
    const snapshot = { synced, volumes, unreadable, problems: [...problems, ...this.#lostProblem()] }
    const told = JSON.stringify(snapshot)
    if (told === this.#told || this.#listener === null) return
    this.#told = told
    this.#listener(snapshot)
  }

  #lostProblem(): readonly DesiredProblem[] {
    if (this.#lost === null) return []
    const path = ledgerPath(this.#options.stateDir)
    const message = `${path} cannot be used: ${this.#lost}; no volume of a manifest is removed until it is restored, or deleted (then what no manifest names is removed), and hotplugd restarted`
    return [{ vm: null, volume: null, reason: 'ManifestsUnreadable', message }]
  }

  /** Before anything is told: a volume that is plugged must not be forgotten if directory and agent are lost at once. */
  async #save(): Promise<readonly DesiredProblem[]> {
    const text = JSON.stringify(this.#ledger)
    if (text === this.#saved || this.#lost !== null) return []
    try {
      await makeDirectory(this.#options.stateDir)
      await saveLedger(this.#options.stateDir, this.#ledger)
      this.#saved = text
      return []
    } catch (error) {
      return [{ vm: null, volume: null, reason: 'StateUnwritable', message: error instanceof Error ? error.message : String(error) }]
    }
  }

  /** Answers whether the watch is new: what happened before it was set was not seen, so another look is due. */
  #watch({ device, inode, mountId }: DirectoryIdentity): boolean {
    const watched = `${device}:${inode}:${mountId}`
    if (watched === this.#watched || this.#listener === null) return false
    this.#unwatch()
    try {
      this.#watcher = watch(this.#options.directory, { persistent: false }, () => this.#schedule(EVENT_MS))
      this.#watcher.on('error', () => this.#unwatch())
      this.#watched = watched
      return true
    } catch (err) {
      this.#options.log.warn({ err, directory: this.#options.directory }, 'manifests cannot be watched and are only polled')
      return false
    }
  }

  #unwatch(): void {
    this.#watcher?.close()
    this.#watcher = null
    this.#watched = ''
  }

  /** The earliest of the looks that were asked for; none while one is under way, which asks for the next itself. */
  #schedule(delayMs: number): void {
    const { clock } = this.#options
    const atMs = clock.monotonicMs() + delayMs
    if (this.#listener === null || (this.#timer !== null && this.#timer.atMs <= atMs)) return
    this.#timer?.cancel()
    this.#timer = { atMs, cancel: clock.after(delayMs, () => void this.#lookAfter(this.#looking)) }
  }

  /** Looks do not overlap. */
  async #lookAfter(other: Promise<void> | null): Promise<void> {
    await other
    if (this.#listener !== null) await this.#look()
  }
}
