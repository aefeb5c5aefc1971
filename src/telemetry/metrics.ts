import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { AgentObserver, ActEnd, ToldVolume } from '../agent/observer.ts'
import type { LibvirtReach } from '../core/status-line.ts'
import type { Phase, Stage, VmStatus } from '../model/status.ts'

const STAGE_BUCKETS_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60]

/** What the gauges are read from when somebody asks: the engine, or whoever only watches. */
export interface Measured {
  vms(): readonly VmStatus[]
  connections(): readonly LibvirtReach[]
}

/** What Prometheus is told. The number of series is bounded by the verbs, stages, phases, reasons and namespaces there are. */
export class Metrics implements AgentObserver {
  readonly registry = new Registry()
  readonly #stages: Histogram<'stage'>
  #exchanged: readonly string[] = []
  readonly #operations: Counter<'operation' | 'outcome'>

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
      help: 'Acts on volumes, by what was done and how it ended (done, or the reason of the failure).',
      labelNames: ['operation', 'outcome'],
      registers,
    })
  }

  /** Takes over what adapters have to tell, in place of what was taken over before: other ones come with another role. */
  exchange(register: (registry: Registry) => void): void {
    for (const name of this.#exchanged) this.registry.removeSingleMetric(name)
    const own = new Set(this.#names())
    register(this.registry)
    this.#exchanged = this.#names().filter((name) => !own.has(name))
  }

  #names(): string[] {
    return this.registry.getMetricsAsArray().map(({ name }) => name)
  }

  /** Adds the gauges. */
  observe(measured: Measured): void {
    const registers = [this.registry]
    const volumes: Gauge<'phase' | 'reason'> = new Gauge({
      name: 'hotplugd_volumes',
      help: 'Hot-plugged volumes by phase and reason.',
      labelNames: ['phase', 'reason'],
      registers,
      collect: () => countVolumes(volumes, measured.vms()),
    })
    const libvirts: Gauge<'libvirt'> = new Gauge({
      name: 'hotplugd_libvirt_connected',
      help: 'Whether a libvirt is connected and its domains were read (1) or not (0).',
      labelNames: ['libvirt'],
      registers,
      collect: () => {
        libvirts.reset()
        for (const { hypervisor, read } of measured.connections()) libvirts.set({ libvirt: hypervisor }, read ? 1 : 0)
      },
    })
  }

  phaseChanged(_volume: ToldVolume, _from: Phase | null): void {}

  stagePassed(_volume: ToldVolume, { name, durationMs }: Stage): void {
    this.#stages.observe({ stage: name }, durationMs / 1_000)
  }

  actEnded(_volume: ToldVolume, { verb, error }: ActEnd): void {
    this.#operations.inc({ operation: verb, outcome: error?.reason ?? 'done' })
  }

  problem(): void {}

  note(): void {}
}

/** By its own timer: longer than anybody looks. */
const NEVER_MS = 2 ** 31 - 1
const FROM_A_TIMER = ['min', 'max', 'mean', 'stddev', 'p50', 'p90', 'p99']

/** Without what needs a timer that fires a hundred times a second: an agent that has nothing to do is to do nothing. */
function collectProcessMetrics(register: Registry): void {
  collectDefaultMetrics({ register, eventLoopMonitoringPrecision: NEVER_MS })
  for (const name of FROM_A_TIMER) register.removeSingleMetric(`nodejs_eventloop_lag_${name}_seconds`)
}

function countVolumes(gauge: Gauge<'phase' | 'reason'>, vms: readonly VmStatus[]): void {
  gauge.reset()
  for (const { phase, reason } of vms.flatMap(({ volumes }) => volumes)) {
    if (phase !== null) gauge.inc({ phase, reason })
  }
}
