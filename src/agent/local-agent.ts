import { explain } from '../core/volume/explain.ts'
import { recordOf } from '../core/volume/actual.ts'
import type { Impediment } from '../model/desired.ts'
import { type VmRef, type VolumeKey, vmKey } from '../model/ids.ts'
import type { VmStatus } from '../model/status.ts'
import type { StatusSink } from '../ports/status-sink.ts'
import type { Agent } from './agent.ts'
import { engineState } from './engine-state.ts'
import type { AddVolume, AgentApi, Check, EngineState, Explanation, HistoryEntry, RemoveVolume } from './api.ts'
import type { History } from './history.ts'
import type { Ports } from './ports.ts'
import type { Requests } from './requests.ts'
import type { Vm } from './vm.ts'
import type { Volume } from './volume.ts'
import type { WatchHub } from './watch-hub.ts'

/** What readiness depends on beside the engine itself. */
export interface ReadinessRules {
  /** Whether the agent is unready while one of its libvirts is away; else that is a warning. */
  readonly needsEveryLibvirt: boolean
  /** Further checks. */
  checks(): readonly Check[]
  /** What comes from and goes to a cluster, for debugging. */
  cluster?(): object
}

/** What the local API is served from. */
export interface LocalAgentParts {
  readonly agent: Agent
  readonly ports: Ports
  readonly requests: Pick<Requests, 'add' | 'remove'>
  readonly hub: WatchHub
  readonly history: History
  readonly sinks: readonly StatusSink[]
  readonly readiness: ReadinessRules
}

/** The engine as the local API sees it. Contracts: AgentApi. */
export class LocalAgent implements AgentApi {
  readonly #parts: LocalAgentParts
  #reconciledOnce = false

  constructor(parts: LocalAgentParts) {
    this.#parts = parts
  }

  vms(namespace?: string): readonly VmStatus[] {
    const { world } = this.#parts.agent
    const vms = namespace === undefined ? [...world.all()] : world.inNamespace(namespace)
    return vms.filter((vm) => !vm.isEmpty()).map((vm) => vm.status()).sort((a, b) => (a.vm < b.vm ? -1 : 1))
  }

  vm(ref: VmRef): VmStatus | null {
    const vm = this.#parts.agent.world.find(vmKey(ref))
    return vm === undefined || vm.isEmpty() ? null : vm.status()
  }

  watch(listener: Parameters<AgentApi['watch']>[0]): () => void {
    return this.#parts.hub.watch(listener)
  }

  explain(key: VolumeKey): Explanation | null {
    const vm = this.#parts.agent.world.find(key.vm)
    const status = vm?.status().volumes.find(({ name }) => name === key.volume)
    if (vm === undefined || status === undefined) return null
    const volume = vm.volumes.get(key.volume)
    const nowMs = this.#parts.ports.clock.monotonicMs()
    const acting = volume?.running ? { verb: volume.running.verb, forMs: nowMs - volume.running.startMs } : null
    const record = volume === undefined ? null : recordOf(volume.actual)
    const { desired = null, trouble = null, waiting = null } = volume ?? {}
    const unreachableBecause = vm.reachable ? '' : vm.unreachableBecause
    const untold = firstOf(this.#parts.sinks.map((sink) => sink.trouble?.(key.vm) ?? null))
    const stopsAtMs = this.#parts.agent.stopsAtMs(vm)
    return explain({ vm: key.vm, status, untold, stopsAtMs, record, acting, nowMs, desired, trouble, waiting, queued: volume !== undefined && vm.queued.has(volume), domainUuid: vm.view?.uuid ?? null, unreachableBecause, besides: this.#besides(vm, key.volume, waiting) })
  }

  /** Troubles of the VM, and of what could not be read where that is what the volume waits for. */
  #besides(vm: Vm, volume: string, waiting: Impediment | null): string[] {
    const general = waiting?.reason === 'ManifestsUnreadable' ? this.#parts.agent.desired.problems(null) : []
    const own = vm.problems.filter((problem) => problem.volume === null || problem.volume === volume)
    return [...general, ...own].map(({ reason, message }) => `${reason}: ${message}`)
  }

  addVolume(request: AddVolume): Promise<void> {
    return this.#parts.requests.add(request)
  }

  removeVolume(request: RemoveVolume): Promise<void> {
    return this.#parts.requests.remove(request)
  }

  history(): readonly HistoryEntry[] {
    return this.#parts.history.all()
  }

  state(): EngineState {
    const { agent, history, ports, readiness } = this.#parts
    return { ...engineState(agent, history, ports.clock.monotonicMs()), cluster: readiness.cluster?.() ?? null }
  }

  readiness(): readonly Check[] {
    const { agent, readiness } = this.#parts
    const isVital = readiness.needsEveryLibvirt
    const libvirts = agent.inventory.connections().map(({ hypervisor, read, why }) => ({ name: `libvirt-${hypervisor}`, ok: read || !isVital, message: why, warnings: read || isVital ? [] : [why], namesVm: !isVital }))
    const desired = { name: 'desired-state', ok: agent.desired.allRead, message: 'what is wanted was not read yet', warnings: agent.desired.problems(null).map(({ message }) => message) }
    return [...readiness.checks(), desired, ...libvirts, this.#reconciled(desired.ok && agent.inventory.complete)]
  }

  /** Once everything that was there at the start was brought in order, what comes later does not make the agent unready. */
  #reconciled(begun: boolean): Check {
    const open = [...this.#parts.agent.world.volumes()].filter(([vm, volume]) => vm.reachable && isOpen(volume)).length
    if (begun && open === 0) this.#reconciledOnce = true
    return { name: 'first-reconcile', ok: this.#reconciledOnce, message: `${open} volumes are not in order yet` }
  }
}

function firstOf<T>(found: readonly (T | null)[]): T | null {
  return found.find((one) => one !== null) ?? null
}

/** Neither in order nor told why not. */
function isOpen(volume: Volume): boolean {
  if (volume.trouble !== null || volume.waiting !== null) return false
  if (volume.running !== null) return true
  return volume.actual.kind === 'unproven' || (volume.actual.kind === 'absent' && volume.desired !== null)
}
