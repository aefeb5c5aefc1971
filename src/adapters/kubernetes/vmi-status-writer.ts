import { asHotplugError, type HotplugError } from '../../errors.ts'
import { failureOf } from '../../core/vmi-failure.ts'
import type { PatchOperation } from '../../core/json-patch.ts'
import type { Vmi } from '../../core/vmi.ts'
import { type EntryChange, entryChange, entryPatch } from '../../core/vmi-volume-entry.ts'
import type { VmKey } from '../../model/ids.ts'
import type { VmStatus } from '../../model/status.ts'
import type { PatchOutcome } from './api-client.ts'
import { retryAfterOf } from './api-failure.ts'
import type { EventRecorder } from './events.ts'
import { vmiPath } from './paths.ts'
import type { StatusPath } from './status-path.ts'
import type { VmiStatusSinkOptions } from './vmi-status-sink.ts'
import { Warnings } from './warnings.ts'

export interface WriteCounts {
  readonly writes: number
  /** Somebody else had changed the entry first. */
  readonly conflicts: number
  readonly failures: number
}

export interface WriterOptions extends VmiStatusSinkOptions {
  readonly events: EventRecorder
  readonly statusPath: StatusPath
  readonly counts: { writes: number; conflicts: number; failures: number }
}

const SILENCE_MS = 10_000
const FIRST_BACKOFF_MS = 200
const LONGEST_BACKOFF_MS = 5_000
/** How long an engine may take to hear that another VMI has the name. */
const REPLACED_MS = 100
/** So many conflicts in a row are retried at once. */
const QUICK_CONFLICTS = 3

/**
 * Brings the entries of one VMI to what the engine says. Never more than one write under way; what is written is worked out
 * when its turn has come, from the newest status and the newest object.
 */
export class VmiStatusWriter {
  readonly #vm: VmKey
  readonly #options: WriterOptions
  #warnings: Warnings
  /** The VMI that `#status` is about: an engine that has not heard of a new one yet speaks of the old. */
  #uid: string | null = null
  /** The object that was looked at last. */
  #looked: Vmi | null = null
  #status: VmStatus | null = null
  #isSilent = false
  #cancelSilence: (() => void) | null = null
  #isDue = false
  #isRunning = false
  #failures = 0
  #cancelRetry: (() => void) | null = null
  /** The changes of the last write. */
  #made: readonly EntryChange[] = []
  #closed = false

  constructor(vm: VmKey, options: WriterOptions) {
    this.#vm = vm
    this.#options = options
    this.#warnings = new Warnings(options.clock)
  }

  /** The engine says something new. */
  take(status: VmStatus): void {
    this.look()
    this.#status = status
    this.#listen(status)
    this.#warn()
    this.#poke()
  }

  /** The VMI may have changed. */
  look(): void {
    const known = this.#options.view.get(this.#vm)
    const uid = known?.vmi.uid ?? null
    if (uid !== this.#uid) this.#begin(uid)
    const isNews = known?.vmi !== this.#looked || this.#isDue
    this.#looked = known?.vmi ?? null
    if (isNews && this.#status !== null) this.#poke()
  }

  /** Another VMI has the name: nothing that was said is about this one, nor what the engine says in this very moment. */
  #begin(uid: string | null): void {
    if (this.#uid !== null && this.#cancelRetry === null) this.#retryAfter(REPLACED_MS)
    this.#uid = uid
    this.#status = null
    this.#warnings = new Warnings(this.#options.clock)
  }

  close(): void {
    this.#closed = true
    this.#cancelRetry?.()
    this.#cancelSilence?.()
  }

  /** The VMI, if this agent is the one to write about it, and may. */
  #vmi(): Vmi | null {
    const known = this.#options.view.get(this.#vm)
    if (known === null || known.place !== 'here' || known.vmi.uid !== this.#uid) return null
    const { vmi } = known
    return vmi.migrating || vmi.nodeName !== this.#options.view.node ? null : vmi
  }

  #poke(): void {
    this.#isDue = true
    if (!this.#isRunning && this.#cancelRetry === null) void this.#run()
  }

  async #run(): Promise<void> {
    this.#isRunning = true
    while (this.#isDue && !this.#closed && this.#options.view.isReachable) {
      this.#isDue = false
      if (this.#changes().length > 0 && !(await this.#write())) break
    }
    this.#isRunning = false
  }

  /** False: not now; it is tried again by itself. */
  async #write(): Promise<boolean> {
    try {
      const outcome = await this.#patch()
      if (outcome === 'conflict') return this.#conflict()
      if (outcome === 'gone' || (outcome === 'done' && this.#isIgnored())) return this.#misdirected()
      this.#failures = 0
      return true
    } catch (thrown) {
      return this.#failed(asHotplugError(thrown))
    }
  }

  async #patch(): Promise<PatchOutcome['kind']> {
    const { client, statusPath, view, counts } = this.#options
    const vmi = this.#vmi()
    if (vmi === null) return 'unneeded'
    const suffix = await statusPath.suffix()
    const outcome = await client.patch(vmiPath(vmi) + suffix, () => {
      this.#made = this.#changes()
      return this.#made.length === 0 ? [] : [uidTest(this.#uid), ...this.#made.flatMap(entryPatch)]
    })
    if (outcome.kind === 'done') {
      counts.writes++
      view.observe(outcome.object)
      this.#tellPhases(vmi, this.#made)
    }
    if (outcome.kind === 'conflict') await this.#refresh(vmi)
    return outcome.kind
  }

  /** What is to be written now. */
  #changes(): EntryChange[] {
    const [vmi, status] = [this.#vmi(), this.#status]
    if (vmi === null || status === null) return []
    const wanted = new Set(vmi.volumes.map(({ name }) => name))
    const said = new Map(status.volumes.map((volume) => [volume.name, volume]))
    return vmi.entries.flatMap((entry) => {
      const volume = said.get(entry.name) ?? null
      if (volume === null && !isListed(status)) return []
      return entryChange({ entry, isWanted: wanted.has(entry.name), status: volume, isSilent: this.#isSilent }) ?? []
    })
  }

  async #refresh(vmi: Vmi): Promise<void> {
    const fresh = await this.#options.client.get(vmiPath(vmi))
    if (fresh !== null) this.#options.view.observe(fresh)
  }

  /** Written without an error, and it still stands as before: where there is a subresource, the object itself takes no status. */
  #isIgnored(): boolean {
    const words = (changes: readonly EntryChange[]): string => JSON.stringify(changes.map(({ entry, words: said }) => [entry.name, entry.phase, said]))
    const left = this.#changes()
    return left.length > 0 && words(left) === words(this.#made)
  }

  /** Whether there is a subresource is found out anew. */
  #misdirected(): false {
    this.#options.statusPath.forget()
    this.#isDue = true
    this.#failures++
    this.#retryAfter(this.#backoffMs())
    return false
  }

  #conflict(): boolean {
    this.#options.counts.conflicts++
    this.#isDue = true
    if (++this.#failures <= QUICK_CONFLICTS) return true
    this.#retryAfter(this.#backoffMs())
    return false
  }

  #failed(error: HotplugError): false {
    this.#options.counts.failures++
    this.#isDue = true
    const level = this.#failures++ === 0 && !this.#closed ? 'warn' : 'debug'
    this.#options.log[level]({ vm: this.#vm, reason: error.reason, remedy: error.remedy, err: error }, 'status cannot be written yet')
    this.#retryAfter(Math.max(this.#backoffMs(), retryAfterOf(error)))
    return false
  }

  #backoffMs(): number {
    return Math.min(LONGEST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** Math.min(this.#failures, 10)) * (0.5 + Math.random() / 2)
  }

  #retryAfter(ms: number): void {
    if (this.#closed) return
    this.#cancelRetry = this.#options.clock.after(ms, () => {
      this.#cancelRetry = null
      this.#poke()
    })
  }

  /** Every phase that was written, once. */
  #tellPhases(vmi: Vmi, made: readonly EntryChange[]): void {
    for (const { entry, words } of made) {
      if (words.phase === entry.phase) continue
      const occasion = `${entry.phase} ${vmi.resourceVersion}`
      this.#options.events.tell(vmi, { type: 'Normal', reason: words.reason, message: words.message, occasion })
    }
  }

  #warn(): void {
    const [vmi, status] = [this.#vmi(), this.#status]
    if (vmi === null || status === null) return
    this.#warnings.keep(new Set(status.volumes.map(({ name }) => name)))
    for (const volume of status.volumes) {
      const failure = failureOf(volume, this.#isSilent)
      if (failure === null || !this.#warnings.isNew(volume.name, failure)) continue
      this.#options.events.tell(vmi, { type: 'Warning', reason: failure.reason, message: `volume ${volume.name}: ${failure.message}`, occasion: volume.name })
    }
  }

  /** Counts how long libvirt has been silent. */
  #listen({ volumes }: VmStatus): void {
    const isAway = volumes.some(({ reason }) => reason === 'LibvirtUnavailable')
    if (isAway) return this.#awaitWord()
    this.#cancelSilence?.()
    this.#cancelSilence = null
    this.#isSilent = false
  }

  #awaitWord(): void {
    this.#cancelSilence ??= this.#options.clock.after(this.#options.silenceMs ?? SILENCE_MS, () => {
      this.#isSilent = true
      this.#warn()
      this.#poke()
    })
  }
}

/** Whether a disk that is not named is not there: only a domain that was read tells that. */
function isListed({ state }: VmStatus): boolean {
  return state === 'Running' || state === 'Paused'
}

/** Another VMI may have taken the name while the patch was on its way. */
function uidTest(uid: string | null): PatchOperation {
  return { op: 'test', path: '/metadata/uid', value: uid }
}
