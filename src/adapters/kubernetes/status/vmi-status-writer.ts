import { asHotplugError, HotplugError } from '../../../errors.ts'
import { textAt } from '../../../core/cluster/json-object.ts'
import { failureOf } from '../../../core/cluster/vmi-failure.ts'
import { entryChanges, sameChanges, statusPatch } from '../../../core/cluster/vmi-entry-changes.ts'
import type { Vmi } from '../../../core/cluster/vmi.ts'
import type { EntryChange } from '../../../core/cluster/vmi-volume-entry.ts'
import type { VmKey } from '../../../model/ids.ts'
import type { VmStatus } from '../../../model/status.ts'
import type { PatchOutcome } from '../api/api-client.ts'
import { retryAfterOf } from '../api/api-failure.ts'
import { Backoff } from '../api/backoff.ts'
import type { EventRecorder } from './events.ts'
import { vmiPath } from '../api/paths.ts'
import { Silence } from './silence.ts'
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
const BACKOFF = { firstMs: 400, longestMs: 5_000 }
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
  readonly #silence: Silence
  readonly #backoff = new Backoff(BACKOFF)
  #warnings: Warnings
  /** The VMI that `#status` is about: an engine that has not heard of a new one yet speaks of the old. */
  #uid: string | null = null
  /** The object that was looked at last. */
  #looked: Vmi | null = null
  #status: VmStatus | null = null
  #isDue = false
  #isRunning = false
  #cancelRetry: (() => void) | null = null
  /** The changes of the last write. */
  #made: readonly EntryChange[] = []
  /** The version of the object that they were made from. */
  #madeFrom = ''
  #trouble: HotplugError | null = null
  #closed = false

  constructor(vm: VmKey, options: WriterOptions) {
    this.#vm = vm
    this.#options = options
    this.#warnings = new Warnings(options.clock)
    this.#silence = new Silence(options.clock, options.silenceMs ?? SILENCE_MS, () => this.#tell())
  }

  /** The engine says something new. */
  take(status: VmStatus): void {
    this.look()
    this.#status = status
    this.#silence.hear(status)
    this.#tell()
  }

  /** The VMI may have changed. */
  look(): void {
    const vmi = this.#options.view.get(this.#vm)?.vmi ?? null
    if ((vmi?.uid ?? null) !== this.#uid) this.#begin(vmi?.uid ?? null)
    const isNews = vmi !== this.#looked || this.#isDue
    this.#looked = vmi
    if (isNews && this.#status !== null) this.#poke()
  }

  /** Why what is to be written is not; null: nothing is, or nothing failed so far. */
  get trouble(): HotplugError | null {
    return this.#trouble !== null && this.#changes().length > 0 ? this.#trouble : null
  }

  close(): void {
    this.#closed = true
    this.#cancelRetry?.()
    this.#silence.end()
  }

  /** Another VMI has the name: nothing that was said is about this one, nor what the engine says in this very moment. */
  #begin(uid: string | null): void {
    if (this.#uid !== null && this.#cancelRetry === null) this.#retryAfter(REPLACED_MS)
    this.#uid = uid
    this.#status = null
    this.#warnings = new Warnings(this.#options.clock)
  }

  #tell(): void {
    this.#warn()
    this.#poke()
  }

  /** The VMI, if this agent is the one to write about it, and may. */
  #vmi(): Vmi | null {
    const known = this.#options.view.get(this.#vm)
    if (known === null || known.place !== 'here' || known.vmi.uid !== this.#uid) return null
    const { vmi } = known
    return vmi.migrating || vmi.nodeName !== this.#options.view.node ? null : vmi
  }

  /** What is to be written now. */
  #changes(): EntryChange[] {
    const vmi = this.#vmi()
    return vmi === null || this.#status === null ? [] : entryChanges(vmi, this.#status, this.#silence.isLong)
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
      this.#backoff.reset()
      this.#trouble = null
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
      this.#madeFrom = this.#vmi()?.resourceVersion ?? ''
      return statusPatch(vmi, this.#made)
    })
    if (outcome.kind === 'conflict') await this.#lookAgain(outcome.message)
    if (outcome.kind !== 'done') return outcome.kind
    counts.writes++
    view.observe(outcome.object)
    this.#tellPhases(vmi, this.#made)
    return 'done'
  }

  /** A patch that was refused although nobody has changed the object was refused for what it is: by a policy, say. */
  async #lookAgain(message: string): Promise<void> {
    const { client, view } = this.#options
    const vmi = this.#vmi()
    const found = vmi === null ? null : await client.get(vmiPath(vmi))
    if (found !== null && textAt(found, 'metadata', 'resourceVersion') === this.#madeFrom) throw new HotplugError('ApiRefused', `the API server refuses what is to be written: ${message}`)
    view.observe(found)
  }

  /** Written without an error, and it still stands as before: where there is a subresource, the object itself takes no status. */
  #isIgnored(): boolean {
    const left = this.#changes()
    return left.length > 0 && sameChanges(left, this.#made)
  }

  /** Whether there is a subresource is found out anew. */
  #misdirected(): false {
    this.#options.statusPath.forget()
    return this.#later(this.#backoff.next())
  }

  #conflict(): boolean {
    this.#options.counts.conflicts++
    const delayMs = this.#backoff.next()
    this.#isDue = true
    return this.#backoff.failures <= QUICK_CONFLICTS || this.#later(delayMs)
  }

  #failed(error: HotplugError): false {
    this.#options.counts.failures++
    this.#trouble = error
    const level = this.#backoff.failures === 0 && !this.#closed ? 'warn' : 'debug'
    this.#options.log[level]({ vm: this.#vm, reason: error.reason, remedy: error.remedy, err: error }, 'status cannot be written yet')
    return this.#later(Math.max(this.#backoff.next(), retryAfterOf(error)))
  }

  #later(ms: number): false {
    this.#isDue = true
    this.#retryAfter(ms)
    return false
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
      const failure = failureOf(volume, this.#silence.isLong)
      if (failure === null || !this.#warnings.isNew(volume.name, failure)) continue
      this.#options.events.tell(vmi, { type: 'Warning', reason: failure.reason, message: `volume ${volume.name}: ${failure.message}`, occasion: volume.name })
    }
  }
}
