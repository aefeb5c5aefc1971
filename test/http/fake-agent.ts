import type { AddVolume, AgentApi, Check, EngineState, Explanation, HistoryEntry, RemoveVolume } from '../../src/agent/api.ts'
import { NO_STATE } from '../../src/agent/engine-state.ts'
import type { HotplugError } from '../../src/errors.ts'
import { vmKey, type VmKey, type VmRef, type VolumeKey } from '../../src/model/ids.ts'
import type { VmStatus, VolumeStatus } from '../../src/model/status.ts'

type Listener = (vm: VmKey, status: VmStatus | null) => void

/** An engine that says what the test wants it to say. */
export class FakeAgent implements AgentApi {
  readonly requests: ({ verb: 'add'; request: AddVolume } | { verb: 'remove'; request: RemoveVolume })[] = []
  /** The next requests are refused with this. */
  refuseWith: HotplugError | null = null
  checks: Check[] = [{ name: 'sources', ok: true, message: '' }]
  explanation: Explanation | null = null
  entries: readonly HistoryEntry[] = []
  /** What happens once a request is accepted. */
  onAdd: (request: AddVolume) => void = () => undefined
  onRemove: (request: RemoveVolume) => void = () => undefined
  readonly #vms = new Map<VmKey, VmStatus>()
  readonly #listeners = new Set<Listener>()

  get watchers(): number {
    return this.#listeners.size
  }

  set(status: VmStatus): void {
    this.#vms.set(status.vm, status)
    for (const listener of this.#listeners) listener(status.vm, status)
  }

  drop(vm: VmKey): void {
    this.#vms.delete(vm)
    for (const listener of this.#listeners) listener(vm, null)
  }

  /** Replaces one volume of a VM; null takes it away. */
  setVolume(vm: VmKey, name: string, volume: VolumeStatus | null): void {
    const status = this.#vms.get(vm)
    if (status === undefined) throw new Error(`the test has no VM ${vm}`)
    const others = status.volumes.filter(other => other.name !== name)
    this.set({ ...status, volumes: volume === null ? others : [...others, volume] })
  }

  vms(namespace?: string): readonly VmStatus[] {
    const all = [...this.#vms.values()].sort((a, b) => (a.vm < b.vm ? -1 : 1))
    return namespace === undefined ? all : all.filter(({ vm }) => vm.startsWith(`${namespace}/`))
  }

  vm(ref: VmRef): VmStatus | null {
    return this.#vms.get(vmKey(ref)) ?? null
  }

  watch(listener: Listener): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  explain(key: VolumeKey): Explanation | null {
    return this.explanation?.vm === key.vm && this.explanation.volume === key.volume ? this.explanation : null
  }

  async addVolume(request: AddVolume): Promise<void> {
    this.requests.push({ verb: 'add', request })
    if (this.refuseWith !== null) throw this.refuseWith
    this.onAdd(request)
  }

  async removeVolume(request: RemoveVolume): Promise<void> {
    this.requests.push({ verb: 'remove', request })
    if (this.refuseWith !== null) throw this.refuseWith
    this.onRemove(request)
  }

  history(): readonly HistoryEntry[] {
    return this.entries
  }

  state(): EngineState {
    return { ...NO_STATE, desired: [...this.#vms.keys()] }
  }

  readiness(): readonly Check[] {
    return this.checks
  }
}
