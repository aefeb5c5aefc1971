import { addFailure } from '../core/volume/trouble.ts'
import type { Verb } from '../core/volume/decide.ts'
import type { FootprintIndex } from '../core/disk/footprint-index.ts'
import { asHotplugError, type HotplugError } from '../errors.ts'
import type { DomainView } from '../model/domain.ts'
import type { ResolvedSource, SourceSpec } from '../model/source.ts'
import type { DomainReader } from './domain-reader.ts'
import type { Foresight } from './foresight.ts'
import type { AgentObserver } from './observer.ts'
import type { Ports } from './ports.ts'
import type { Reporter } from './reporter.ts'
import { type Engine, VerbContext } from './verbs/context.ts'
import { VERBS } from './verbs/index.ts'
import type { Vm } from './vm.ts'
import type { Running, Volume } from './volume.ts'

/** After a failed reading of a pending removal. */
const RECHECK_MS = 1_000

export interface ExecutorParts {
  readonly ports: Ports
  readonly sources: FootprintIndex
  readonly reader: DomainReader
  readonly reporter: Reporter
  readonly foresight: Foresight
  readonly observer: AgentObserver
  /** Has a volume decided upon again. */
  readonly wake: (vm: Vm, volume: Volume) => void
}

/** Carries acts out, one a volume at a time, and keeps what became of them: the new actual state, or the trouble. */
export class Executor implements Engine {
  readonly ports: Ports
  readonly sources: FootprintIndex
  readonly #parts: ExecutorParts
  #nextOpId = 1

  constructor(parts: ExecutorParts) {
    this.#parts = parts
    this.ports = parts.ports
    this.sources = parts.sources
  }

  /** Resolves when the act has ended, well or not; never rejects. */
  async run(vm: Vm, volume: Volume, verb: Verb): Promise<void> {
    const running = this.#begin(vm, volume, verb)
    const error = await this.#try(vm, volume, verb).finally(() => {
      vm.runningCount--
      volume.running = null
    })
    const durationMs = this.ports.clock.monotonicMs() - running.startMs
    this.#parts.observer.actEnded(volume, { verb, opId: running.opId, attempt: running.attempt, error, durationMs })
    this.#readBackIfTouched(vm, volume)
  }

  observe(vm: Vm): Promise<DomainView | null> {
    return this.#parts.reader.read(vm)
  }

  takeForeseen(volume: Volume, wished: SourceSpec): ResolvedSource | null {
    return this.#parts.foresight.take(volume.id, wished)
  }

  recheckAfter(vm: Vm, volume: Volume, delayMs: number): void {
    this.ports.clock.after(delayMs, () => {
      if (volume.actual.kind !== 'detaching') return
      volume.actual = { ...volume.actual, check: true }
      this.#parts.wake(vm, volume)
    })
  }

  report(vm: Vm, volume: Volume, failure: { readonly verb: Verb; readonly error: HotplugError }): void {
    const nowIso = new Date(this.ports.clock.now()).toISOString()
    const at = { verb: failure.verb, stage: volume.timeline.current, nowIso, nowMs: this.ports.clock.monotonicMs() }
    volume.trouble = addFailure(volume.trouble, failure.error, at)
    this.touch(vm, volume)
  }

  touch(vm: Vm, volume: Volume): void {
    this.#parts.reporter.refresh(vm, volume)
  }

  #begin(vm: Vm, volume: Volume, verb: Verb): Running {
    const startedAt = new Date(this.ports.clock.now()).toISOString()
    const attempt = volume.trouble?.verb === verb ? volume.trouble.attempts + 1 : 1
    volume.running = { verb, opId: this.#nextOpId++, attempt, startMs: this.ports.clock.monotonicMs(), startedAt }
    vm.runningCount++
    return volume.running
  }

  async #try(vm: Vm, volume: Volume, verb: Verb): Promise<HotplugError | null> {
    try {
      volume.actual = await VERBS[verb](new VerbContext(vm, volume, this, verb))
      if (isCured(volume, verb)) volume.trouble = null
      this.#arrived(vm, volume, verb)
      return null
    } catch (thrown) {
      const error = asHotplugError(thrown)
      this.#failed(vm, volume, { verb, error })
      return error
    }
  }

  /** In or out: the last stage is to say so. */
  #arrived(vm: Vm, volume: Volume, verb: Verb): void {
    const { actual, timeline } = volume
    const isIn = verb === 'plug' && actual.kind === 'plugged'
    const isOut = verb === 'release' && timeline.stages.at(-1)?.name === 'released'
    if (!isIn && !isOut) return
    timeline.begin('reported')
    this.touch(vm, volume)
    timeline.pass(null)
  }

  #failed(vm: Vm, volume: Volume, failure: { readonly verb: Verb; readonly error: HotplugError }): void {
    this.report(vm, volume, failure)
    volume.timeline.abandon()
    if (volume.actual.kind === 'absent') this.#letGo(volume)
    if (volume.actual.kind === 'detaching') this.recheckAfter(vm, volume, RECHECK_MS)
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
    this.observe(vm).then(() => vm.volumes.forEach((one) => this.#parts.wake(vm, one)), () => undefined)
  }
}

/** Acts beside a disk that is in: where it is tells nothing of them. */
const BESIDE: ReadonlySet<Verb> = new Set(['persist', 'unpersist', 'grow'])

/** Whether the trouble is over: the act that failed has succeeded, or the volume is where it should be. */
function isCured(volume: Volume, verb: Verb): boolean {
  const { actual, trouble, wish } = volume
  if (trouble === null || (actual.kind === 'plugged' && actual.condemned)) return false
  if (actual.kind === 'detaching') return trouble.verb === verb && trouble.reason !== 'DetachPending'
  if (trouble.verb === verb) return true
  if (actual.kind === 'plugged') return actual.record.fingerprint === wish?.fingerprint && !BESIDE.has(trouble.verb)
  return actual.kind === 'absent' && wish === null
}
