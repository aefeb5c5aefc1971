import { type Decision, decide, type Verb } from '../core/decide.ts'
import type { FootprintIndex } from '../core/footprint-index.ts'
import { recordOf } from '../core/actual.ts'
import { addFailure } from '../core/trouble.ts'
import { diskByAlias } from '../core/disk-match.ts'
import { asHotplugError, type HotplugError } from '../errors.ts'
import type { DomainView } from '../model/domain.ts'
import type { ResolvedSource } from '../model/source.ts'
import type { DesiredWorld } from './desired-world.ts'
import type { DomainReader } from './domain-reader.ts'
import type { Foresight } from './foresight.ts'
import type { AgentObserver } from './observer.ts'
import type { Ports } from './ports.ts'
import type { Reporter } from './reporter.ts'
import { type Engine, VerbContext } from './verbs/context.ts'
import { VERBS } from './verbs/index.ts'
import type { Vm } from './vm.ts'
import type { Volume } from './volume.ts'

/** Acts of one VM under way at once. libvirt takes one changing call a domain anyway; the rest prepares and reads back. */
const ACTS_PER_VM = 16
/** After a failed reading of a pending removal. */
const RECHECK_MS = 1_000

/** What a reconciler is made of. */
export interface ReconcilerParts {
  readonly ports: Ports
  readonly desired: DesiredWorld
  readonly sources: FootprintIndex
  readonly reader: DomainReader
  readonly reporter: Reporter
  readonly foresight: Foresight
  readonly observer: AgentObserver
  readonly hotplugEnabled: boolean
}

/** Has what failed before tried again at once: something happened that may have mended it. */
export function retryNow(volume: Volume): void {
  if (volume.trouble !== null) volume.trouble = { ...volume.trouble, notBeforeMs: 0 }
}

/** Decides for each volume that was woken what is to be done, and has it done. Volumes never wait for each other. */
export class Reconciler implements Engine {
  readonly ports: Ports
  readonly sources: FootprintIndex
  readonly #parts: ReconcilerParts
  readonly #woken = new Map<Volume, Vm>()
  readonly #vmOf = new WeakMap<Volume, Vm>()
  #scheduled = false
  #stopped = false
  #nextOpId = 1

  constructor(parts: ReconcilerParts) {
    this.#parts = parts
    this.ports = parts.ports
    this.sources = parts.sources
  }

  /** Has a volume decided upon, in this turn of the event loop. */
  wake(vm: Vm, volume: Volume): void {
    this.#woken.set(volume, vm)
    this.#vmOf.set(volume, vm)
    if (this.#scheduled) return
    this.#scheduled = true
    queueMicrotask(() => this.#turn())
  }

  wakeAll(vm: Vm): void {
    for (const volume of vm.volumes.values()) this.wake(vm, volume)
  }

  /** Begins nothing new; acts under way end by themselves. */
  stop(): void {
    this.#stopped = true
  }

  observe(vm: Vm): Promise<DomainView | null> {
    return this.#parts.reader.read(vm)
  }

  takeForeseen(volume: Volume): ResolvedSource | null {
    return this.#parts.foresight.take(volume.id)
  }

  recheckAfter(volume: Volume, delayMs: number): void {
    this.ports.clock.after(delayMs, () => this.#recheck(volume))
  }

  report(volume: Volume, verb: Verb, error: HotplugError): void {
    const nowIso = new Date(this.ports.clock.now()).toISOString()
    const at = { verb, stage: volume.timeline.current, nowIso, nowMs: this.ports.clock.monotonicMs() }
    volume.trouble = addFailure(volume.trouble, error, at)
    this.touch(volume)
  }

  touch(volume: Volume): void {
    const vm = this.#vmOf.get(volume)
    if (vm !== undefined) this.#parts.reporter.refresh(vm, volume)
  }

  #recheck(volume: Volume): void {
    const vm = this.#vmOf.get(volume)
    if (vm === undefined || volume.actual.kind !== 'detaching') return
    volume.actual = { ...volume.actual, check: true }
    this.wake(vm, volume)
  }

  #turn(): void {
    this.#scheduled = false
    const woken = [...this.#woken]
    this.#woken.clear()
    for (const [volume, vm] of woken) this.#reconcile(vm, volume)
  }

  #reconcile(vm: Vm, volume: Volume): void {
    if (volume.running !== null || this.#stopped || vm.volumes.get(volume.key.volume) !== volume) return
    const decision = this.#decide(vm, volume)
    volume.waiting = decision.do === 'wait' ? decision.reason : null
    this.#carryOut(vm, volume, decision)
    if (decision.do !== 'forget') this.touch(volume)
  }

  #decide(vm: Vm, volume: Volume): Decision {
    const { desired, hotplugEnabled } = this.#parts
    const record = recordOf(volume.actual)
    const origin = record?.origin ?? volume.persisted?.origin ?? 'request'
    return decide({
      vm: vm.facts(),
      desired: volume.wish,
      actual: volume.actual,
      persisted: volume.persisted,
      unrecorded: record === null && diskByAlias(vm.view?.disks ?? [], volume.alias) !== null,
      mayRemove: desired.mayRemove(origin, vm.key),
      hotplugEnabled,
      grown: volume.grown,
      held: volume.trouble === null ? null : { verb: volume.trouble.verb, untilMs: volume.trouble.notBeforeMs },
      nowMs: this.ports.clock.monotonicMs(),
    })
  }

  #carryOut(vm: Vm, volume: Volume, decision: Decision): void {
    if (decision.do === 'rest') return this.#wakeWhenDue(vm, volume)
    if (decision.do === 'wait') return
    if (decision.do === 'forget') return this.#forget(vm, volume)
    if (vm.runningCount >= ACTS_PER_VM) return void vm.queued.add(volume)
    void this.#act(vm, volume, decision.do)
  }

  #forget(vm: Vm, volume: Volume): void {
    vm.volumes.delete(volume.key.volume)
    this.#parts.reporter.forgotten(vm, volume)
  }

  #wakeWhenDue(vm: Vm, volume: Volume): void {
    const dueMs = volume.trouble?.notBeforeMs ?? Infinity
    const delayMs = dueMs - this.ports.clock.monotonicMs()
    if (delayMs > 0 && delayMs < Infinity) this.ports.clock.after(delayMs + 1, () => this.wake(vm, volume))
  }

  async #act(vm: Vm, volume: Volume, verb: Verb): Promise<void> {
    const startMs = this.ports.clock.monotonicMs()
    const opId = this.#nextOpId++
    volume.running = { verb, opId, startMs, startedAt: new Date(this.ports.clock.now()).toISOString() }
    vm.runningCount++
    const error = await this.#try(vm, volume, verb)
    vm.runningCount--
    volume.running = null
    this.#parts.observer.actEnded(volume, { verb, opId, error, durationMs: this.ports.clock.monotonicMs() - startMs })
    this.#readBackIfTouched(vm, volume)
    this.#wakeNext(vm, volume)
  }

  async #try(vm: Vm, volume: Volume, verb: Verb): Promise<HotplugError | null> {
    try {
      volume.actual = await VERBS[verb](new VerbContext(vm, volume, this, verb))
      if (isCured(volume, verb)) volume.trouble = null
      this.#arrived(volume, verb)
      return null
    } catch (thrown) {
      const error = asHotplugError(thrown)
      this.#failed(volume, verb, error)
      return error
    }
  }

  /** In or out: the last stage is to say so. */
  #arrived(volume: Volume, verb: Verb): void {
    const { actual, timeline } = volume
    const isIn = verb === 'plug' && actual.kind === 'plugged'
    const isOut = verb === 'release' && timeline.stages.at(-1)?.name === 'released'
    if (!isIn && !isOut) return
    timeline.begin('reported')
    this.touch(volume)
    timeline.pass(null)
  }

  #failed(volume: Volume, verb: Verb, error: HotplugError): void {
    this.report(volume, verb, error)
    volume.timeline.abandon()
    if (volume.actual.kind === 'absent') this.#letGo(volume)
    if (volume.actual.kind === 'detaching') this.recheckAfter(volume, RECHECK_MS)
  }

  /** Nothing was begun: neither the source nor a place in the domain stays taken. */
  #letGo(volume: Volume): void {
    this.sources.delete(volume.id)
    volume.placement = null
  }

  /** News of its disk came during the act, which may have read before them. */
  #readBackIfTouched(vm: Vm, volume: Volume): void {
    if (!volume.recheck) return
    volume.recheck = false
    if (volume.actual.kind === 'detaching') volume.actual = { ...volume.actual, check: true }
    else this.observe(vm).then(() => this.wakeAll(vm), () => undefined)
  }

  /** This volume, and the one that waited longest for a place among the acts of the VM. */
  #wakeNext(vm: Vm, volume: Volume): void {
    this.wake(vm, volume)
    const [next] = vm.queued
    if (next === undefined) return
    vm.queued.delete(next)
    this.wake(vm, next)
  }
}

/** Whether the trouble is over: the act that failed has succeeded, or the volume is where it should be. */
function isCured(volume: Volume, verb: Verb): boolean {
  const { actual, trouble } = volume
  if (trouble === null) return false
  if (actual.kind === 'plugged') return !actual.condemned && trouble.reason !== 'SourceChanged'
  if (trouble.verb === verb) return true
  return actual.kind === 'absent' && volume.desired === null
}
