import { ABSENT, type Actual, recordOf } from '../../core/volume/actual.ts'
import type { FootprintIndex, Holder } from '../../core/disk/footprint-index.ts'
import type { Verb, Wish } from '../../core/volume/decide.ts'
import { HotplugError, type Reason } from '../../errors.ts'
import type { DesiredVolume, LeavingVolume } from '../../model/desired.ts'
import type { DomainView } from '../../model/domain.ts'
import type { VmKey } from '../../model/ids.ts'
import type { PersistedDisk, VolumeRecord } from '../../model/record.ts'
import type { JournalStep } from '../../model/steps.ts'
import type { ResolvedSource, SourceSpec } from '../../model/source.ts'
import type { Ports } from '../ports.ts'
import type { Vm } from '../vm.ts'
import type { Volume } from '../volume.ts'

/** What a verb needs of the engine around it. */
export interface Engine {
  readonly ports: Ports
  readonly sources: FootprintIndex
  /** The domain as it is now, read after this call began; shared by all who ask at once. */
  observe(vm: Vm): Promise<DomainView | null>
  /** The wished source as a request looked it up an instant ago; once. What is read before the attach proves that it still holds. */
  takeForeseen(volume: Volume, wished: SourceSpec): ResolvedSource | null
  /** Has a pending removal read back after `delayMs` if nothing is heard before. */
  recheckAfter(vm: Vm, volume: Volume, delayMs: number): void
  /** Tells a trouble while the act goes on. */
  report(vm: Vm, volume: Volume, failure: { readonly verb: Verb; readonly error: HotplugError }): void
  /** The volume's status may have changed. */
  touch(vm: Vm, volume: Volume): void
}

/**
 * One act on one volume: what verbs work with. The wish is the one that the act was decided upon, to its end: were a later
 * one looked at half-way, source and serial of two wishes could be mixed. What changed meanwhile is the next act's matter.
 */
export class VerbContext {
  readonly vm: Vm
  readonly volume: Volume
  readonly engine: Engine
  readonly verb: Verb
  /** Null: nothing wants the volume. */
  readonly wished: DesiredVolume | null
  readonly #wish: Wish | null
  readonly #leaving: LeavingVolume | undefined

  constructor(vm: Vm, volume: Volume, engine: Engine, verb: Verb) {
    this.vm = vm
    this.volume = volume
    this.engine = engine
    this.verb = verb
    this.wished = volume.desired
    this.#wish = volume.wish
    this.#leaving = vm.leaving.get(volume.key.volume)
  }

  get key(): VmKey {
    return this.vm.key
  }

  get ports(): Ports {
    return this.engine.ports
  }

  /** The wish; an act that needs one is only decided upon while there is one. */
  get desired(): DesiredVolume {
    if (this.wished === null) throw new HotplugError('InternalError', `nothing wants ${this.volume.id}`)
    return this.wished
  }

  /** What the volume was when it was wanted; an act that needs it is only decided upon where that is known. */
  get leaving(): LeavingVolume {
    if (this.#leaving === undefined) throw new HotplugError('InternalError', `nothing tells what ${this.volume.id} was`)
    return this.#leaving
  }

  get fingerprint(): string {
    return this.#wish?.fingerprint ?? ''
  }

  get record(): VolumeRecord {
    const record = recordOf(this.volume.actual)
    if (record === null) throw new HotplugError('InternalError', `nothing is recorded of ${this.volume.id}`)
    return record
  }

  get persisted(): PersistedDisk {
    if (this.volume.persisted === null) throw new HotplugError('InternalError', `nothing is persisted of ${this.volume.id}`)
    return this.volume.persisted
  }

  /** Who this volume is among the holders of sources. */
  holder(shareable: boolean): Holder {
    return { id: this.volume.id, label: `volume ${this.volume.key.volume} of ${this.key}`, shareable }
  }

  /** The domain as it is now; throws where it does not run or its QEMU cannot be seen. */
  async running(): Promise<RunningView> {
    const view = await this.engine.observe(this.vm)
    return provenView(this.key, view)
  }

  /** Writes a step to the journal and takes it over. */
  journal(record: VolumeRecord, step: JournalStep): VolumeRecord {
    const next = { ...record, step }
    this.ports.journal.append(next)
    return next
  }

  /** Tells a trouble while the act goes on. */
  report(error: HotplugError): void {
    this.engine.report(this.vm, this.volume, { verb: this.verb, error })
  }

  /** What was told while the act went on is not so any more. */
  takeBack(reason: Reason): void {
    if (this.volume.trouble?.reason === reason) this.volume.trouble = null
  }

  /** Has the pending removal read back after `delayMs` if nothing is heard before. */
  recheckAfter(delayMs: number): void {
    this.engine.recheckAfter(this.vm, this.volume, delayMs)
  }

  /** Takes an observed state over in the middle of an act. */
  note(actual: Actual): void {
    this.volume.actual = actual
    this.engine.touch(this.vm, this.volume)
  }

  /** Nothing of the volume is left. */
  absent(): Actual {
    this.engine.sources.delete(this.volume.id)
    this.volume.placement = null
    return ABSENT
  }
}

/** A domain that runs, with the process to prove things by. */
export type RunningView = DomainView & { readonly process: NonNullable<DomainView['process']> }

/** Narrows a view to a running domain. @throws HotplugError VmNotFound, VmNotRunning, VmSaved, ProcessUnknown */
export function provenView(vm: VmKey, view: DomainView | null): RunningView {
  if (view === null) throw new HotplugError('VmNotFound', `libvirt has no domain for ${vm}`)
  if (view.state === 'saved') throw new HotplugError('VmSaved', `the domain of ${vm} is saved to disk`)
  if (view.state === 'off') throw new HotplugError('VmNotRunning', `the domain of ${vm} is not running`)
  if (view.process === null) throw new HotplugError('ProcessUnknown', `the QEMU process of ${vm} could not be identified`)
  return { ...view, process: view.process }
}
