import { Counter, Histogram, Registry } from 'prom-client'
import type { ActEnd, AgentObserver, ToldVolume } from '../agent/observer.ts'
import { VERB_NAMES } from '../core/volume/decide.ts'
import type { Reason } from '../errors.ts'
import type { Phase, Stage } from '../model/status.ts'
import { collectProcessMetrics } from './process-metrics.ts'

const STAGE_BUCKETS_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60]

/** Alerts rest on the increase of these, and Prometheus sees none in a series that begins with its first occurrence. */
const FROM_THE_START: readonly Reason[] = ['OutcomeUncertain', 'SourceChanged', 'UnsafePath']

/** What Prometheus is told. The number of series is bounded: labels are verbs, stages, phases, states, reasons and checks, never names of VMs or volumes. */
export class Metrics implements AgentObserver {
  readonly registry = new Registry()
  readonly #stages: Histogram<'stage'>
  readonly #operations: Counter<'operation' | 'outcome'>
  readonly #retries: Counter<'operation'>
  #exchanged: readonly string[] = []

  constructor() {
    const registers = [this.registry]
    collectProcessMetrics(this.registry)
    this.#stages = new Histogram({
      name: 'hotplugd_stage_duration_seconds',
      help: 'Time that volumes spent in each stage on their way in or out.',
      labelNames: ['stage'],
      buckets: STAGE_BUCKETS_SECONDS,
      registers,
    })
    this.#operations = new Counter({
      name: 'hotplugd_operations_total',
      help: 'Acts on volumes, by what was done and how it ended: done, or the reason of the failure (OutcomeUncertain: not known, read back since).',
      labelNames: ['operation', 'outcome'],
      registers,
    })
    this.#retries = new Counter({
      name: 'hotplugd_retries_total',
      help: 'Acts on volumes that were tried again after they had failed.',
      labelNames: ['operation'],
      registers,
    })
    this.#beginAtZero()
  }

  /** Takes over what adapters have to tell, in place of what was taken over before: other ones come with another role. */
  exchange(register: (registry: Registry) => void): void {
    for (const name of this.#exchanged) this.registry.removeSingleMetric(name)
    const own = new Set(this.#names())
    register(this.registry)
    this.#exchanged = this.#names().filter((name) => !own.has(name))
  }

  phaseChanged(_volume: ToldVolume, _from: Phase | null): void {}

  stagePassed(_volume: ToldVolume, { name, durationMs }: Stage): void {
    this.#stages.observe({ stage: name }, durationMs / 1_000)
  }

  actEnded(_volume: ToldVolume, { verb, attempt, error }: ActEnd): void {
    this.#operations.inc({ operation: verb, outcome: error?.reason ?? 'done' })
    if (attempt > 1) this.#retries.inc({ operation: verb })
  }

  problem(): void {}

  note(): void {}

  failed(): void {}

  #beginAtZero(): void {
    for (const operation of VERB_NAMES) {
      for (const outcome of ['done', ...FROM_THE_START]) this.#operations.inc({ operation, outcome }, 0)
      this.#retries.inc({ operation }, 0)
    }
  }

  #names(): string[] {
    return this.registry.getMetricsAsArray().map(({ name }) => name)
  }
}
