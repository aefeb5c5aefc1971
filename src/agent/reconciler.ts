import { recordOf } from '../core/volume/actual.ts'
import { type Decision, decide } from '../core/volume/decide.ts'
import { diskByAlias } from '../core/disk/disk-match.ts'
import { isForPod } from '../core/volume/waits.ts'
import type { HotplugError } from '../errors.ts'
import type { DesiredWorld } from './desired-world.ts'
import { Executor, type ExecutorParts } from './executor.ts'
import type { Vm } from './vm.ts'
import type { Volume } from './volume.ts'

/** Acts of one VM under way at once. libvirt takes one changing call a domain anyway; the rest prepares and reads back. */
const ACTS_PER_VM = 16
const LAST_WORD_MS = 25

/** What a reconciler is made of. */
export interface ReconcilerParts extends Omit<ExecutorParts, 'wake'> {
  readonly desired: DesiredWorld
  readonly hotplugEnabled: boolean
}

/** Has what failed before tried again at once: something happened that may have mended it. */
export function retryNow(volume: Volume): void {
  if (volume.trouble !== null) volume.trouble = { ...volume.trouble, notBeforeMs: 0 }
}

/** Decides for each volume that was woken what is to be done, and has it done. Volumes never wait for each other. */
export class Reconciler {
  readonly #parts: ReconcilerParts
  readonly #executor: Executor
  readonly #woken = new Map<Volume, Vm>()
  /** Until when a timer waits for a volume that is held back: one is enough, however often it is woken before. */
  readonly #due = new WeakMap<Volume, number>()
  #scheduled = false
  #stopped = false

  constructor(parts: ReconcilerParts) {
    this.#parts = parts
    this.#executor = new Executor({ ...parts, wake: (vm, volume) => this.wake(vm, volume) })
    parts.reader.onDoubted = (vm, volume) => this.wake(vm, volume)
  }

  /** Has a volume decided upon, in this turn of the event loop. */
  wake(vm: Vm, volume: Volume): void {
    this.#woken.set(volume, vm)
    if (this.#scheduled) return
    this.#scheduled = true
    queueMicrotask(() => this.#turn())
  }

  wakeAll(vm: Vm): void {
    for (const volume of vm.volumes.values()) this.wake(vm, volume)
  }

  /** Tells a trouble that no act of the volume's own has met. */
  report(vm: Vm, volume: Volume, error: HotplugError): void {
    this.#executor.report(vm, volume, { verb: 'settle', error })
  }

  /** What is to be done for a volume now, without doing it. */
  decision(vm: Vm, volume: Volume): Decision {
    return this.#decide(vm, volume, this.#parts.ports.clock.monotonicMs())
  }

  /** Begins nothing new; acts under way end by themselves. */
  stop(): void {
    this.#stopped = true
  }

  #turn(): void {
    this.#scheduled = false
    const woken = [...this.#woken]
    this.#woken.clear()
    for (const [volume, vm] of woken) this.#reconcile(vm, volume)
    for (const vm of new Set(woken.map(([, of]) => of))) this.#fill(vm)
  }

  /** Free places among the acts of the VM go to those that waited longest, as far as they still want one. */
  #fill(vm: Vm): void {
    for (const volume of vm.queued) {
      if (vm.runningCount >= ACTS_PER_VM) return
      vm.queued.delete(volume)
      this.#reconcile(vm, volume)
    }
  }

  #reconcile(vm: Vm, volume: Volume): void {
    if (volume.running !== null || this.#stopped || vm.volumes.get(volume.key.volume) !== volume) return
    const nowMs = this.#parts.ports.clock.monotonicMs()
    const decision = this.#decide(vm, volume, nowMs)
    volume.waiting = decision.do === 'wait' ? decision.for : null
    // An act that failed before is not what holds it back now.
    if (volume.waiting !== null) volume.trouble = null
    if (volume.waiting !== null && isForPod(volume.waiting)) volume.timeline.awaitPod()
    this.#carryOut(vm, volume, decision)
    if (decision.do === 'rest') this.#wakeWhenDue(vm, volume, nowMs)
    if (decision.do !== 'forget') this.#parts.reporter.refresh(vm, volume)
  }

  #decide(vm: Vm, volume: Volume, nowMs: number): Decision {
    const { desired, hotplugEnabled } = this.#parts
    const record = recordOf(volume.actual)
    const origin = record?.origin ?? volume.persisted?.origin ?? desired.firstOrigin
    return decide({
      vm: vm.facts(),
      desired: volume.wish,
      actual: volume.actual,
      persisted: volume.persisted,
      unrecorded: record === null && diskByAlias(vm.view?.disks ?? [], volume.alias) !== null,
      defined: diskByAlias(vm.view?.persistentDisks ?? [], volume.alias) !== null,
      leaving: vm.leaving.has(volume.key.volume),
      kept: desired.kept(origin, vm.key),
      hotplugEnabled,
      grown: volume.grown,
      held: volume.trouble === null ? null : { verb: volume.trouble.verb, untilMs: volume.trouble.notBeforeMs },
      nowMs,
    })
  }

  #carryOut(vm: Vm, volume: Volume, decision: Decision): void {
    if (decision.do === 'rest' || decision.do === 'wait') return
    if (decision.do === 'forget') return this.#forget(vm, volume)
    if (vm.runningCount >= ACTS_PER_VM) return void vm.queued.add(volume)
    this.#executor.run(vm, volume, decision.do).then(() => this.#ended(vm, volume), () => undefined)
  }

  #forget(vm: Vm, volume: Volume): void {
    vm.volumes.delete(volume.key.volume)
    vm.queued.delete(volume)
    this.#parts.reporter.forgotten(vm, volume)
  }

  /** `nowMs` is the instant that was decided at: by a later one the wait might just be over, and nobody would wake it. */
  #wakeWhenDue(vm: Vm, volume: Volume, nowMs: number): void {
    const dueMs = volume.trouble?.notBeforeMs ?? Infinity
    const delayMs = dueMs - nowMs
    if (delayMs <= 0 || delayMs === Infinity || this.#due.get(volume) === dueMs) return
    this.#due.set(volume, dueMs)
    this.#parts.ports.clock.after(delayMs + 1, () => {
      this.#due.delete(volume)
      this.wake(vm, volume)
    })
  }

  /** A volume that has left is dropped a moment later, so that whoever watches sees its last stages. */
  #ended(vm: Vm, volume: Volume): void {
    const hasLeft = volume.actual.kind === 'absent' && volume.desired === null
    if (hasLeft) this.#parts.ports.clock.after(LAST_WORD_MS, () => this.wake(vm, volume))
    else this.wake(vm, volume)
    const [next] = vm.queued
    if (next !== undefined) this.wake(vm, next)
  }
}
