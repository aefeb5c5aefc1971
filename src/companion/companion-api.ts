import type { AddVolume, AgentApi, Check, EngineState, Explanation, HistoryEntry, RemoveVolume } from '../agent/api.ts'
import { NO_STATE } from '../agent/engine-state.ts'
import type { History } from '../agent/history.ts'
import type { WatchHub } from '../agent/watch-hub.ts'
import { explainFollowed } from '../core/follow/explain-followed.ts'
import { HotplugError } from '../errors.ts'
import { type VmRef, type VolumeKey, vmKey, vmRef } from '../model/ids.ts'
import type { VmStatus } from '../model/status.ts'
import type { ObservedVmis } from '../ports/observed-vmis.ts'
import type { Companion } from './companion.ts'

/** What the local API is served from where hotplugd only watches. */
export interface CompanionApiParts {
  readonly companion: Companion
  readonly vmis: ObservedVmis
  readonly hub: WatchHub
  readonly history: History
  /** What comes from the cluster, for debugging. */
  readonly cluster?: () => object
}

/** The local API of a companion: everything that can be read, nothing that changes anything. Contracts: AgentApi. */
export class CompanionApi implements AgentApi {
  readonly #parts: CompanionApiParts

  constructor(parts: CompanionApiParts) {
    this.#parts = parts
  }

  vms(namespace?: string): readonly VmStatus[] {
    const vms = this.#parts.companion.vms().map((vm) => vm.status())
    return namespace === undefined ? vms : vms.filter(({ vm }) => vmRef(vm).namespace === namespace)
  }

  vm(ref: VmRef): VmStatus | null {
    return this.#parts.companion.find(vmKey(ref))?.status() ?? null
  }

  watch(listener: Parameters<AgentApi['watch']>[0]): () => void {
    return this.#parts.hub.watch(listener)
  }

  explain(key: VolumeKey): Explanation | null {
    const volume = this.#parts.companion.find(key.vm)?.volumes.get(key.volume)
    if (volume === undefined) return null
    return explainFollowed({ vm: key.vm, status: volume.status, facts: volume.facts, way: volume.way })
  }

  unread(): HotplugError | null {
    const { vmis } = this.#parts
    const what = 'the VirtualMachineInstances of this node were not read yet'
    if (vmis.all() !== null) return null
    const trouble = vmis.trouble()
    return trouble === null ? new HotplugError('Synchronizing', what) : new HotplugError(trouble.reason, `${what}: ${trouble.message}`, { detail: trouble.detail })
  }

  addVolume(request: AddVolume): Promise<void> {
    return refuse(request, 'plugs')
  }

  removeVolume(request: RemoveVolume): Promise<void> {
    return refuse(request, 'unplugs')
  }

  /** Plans, does and holds nothing, so those parts stay empty. */
  history(): readonly HistoryEntry[] {
    return this.#parts.history.all()
  }

  state(): EngineState {
    const { companion, history, vmis } = this.#parts
    const volumes = companion.vms().flatMap((vm) => [...vm.volumes.values()])
    return {
      ...NO_STATE,
      cluster: this.#parts.cluster?.() ?? null,
      vms: companion.vms().map(({ key, vmi, view }) => ({ vm: key, uid: vmi?.uid ?? null, launcherUid: vmi?.launcherUid ?? null, migrating: vmi?.migrating ?? false, failure: vmi?.failure ?? null, reachable: view !== undefined, domain: view ?? null })),
      desired: volumes.flatMap(({ id, facts }) => (facts.spec === null ? [] : [{ id, ...facts.spec }])),
      actual: volumes.map(({ id, facts, way }) => ({ id, way, entry: facts.entry, pod: facts.pod, exposed: facts.exposed, disk: facts.disk ?? null })),
      history: history.all(),
      sources: [{ origin: 'vmi', read: vmis.all() !== null, trouble: vmis.trouble()?.message ?? null }],
      connections: companion.connections(),
    }
  }

  readiness(): readonly Check[] {
    const { companion, vmis } = this.#parts
    const trouble = vmis.trouble()?.message ?? null
    const isRead = vmis.all() !== null
    const server = { name: 'api-server', ok: isRead, message: `VirtualMachineInstances and pods not read yet${trouble === null ? '' : `: ${trouble}`}`, warnings: trouble === null || !isRead ? [] : [trouble] }
    const libvirts = companion.connections().map(({ hypervisor, read, why }) => ({ name: `libvirt-${hypervisor}`, ok: true, message: why, warnings: read ? [] : [why], namesVm: true }))
    return [server, ...libvirts]
  }
}

function refuse({ vm, name }: AddVolume | RemoveVolume, what: string): Promise<void> {
  return Promise.reject(new HotplugError('CompanionRole', `volume ${name} of ${vm.name}: the role of hotplugd on this node is companion, KubeVirt's virt-handler ${what} here`))
}
