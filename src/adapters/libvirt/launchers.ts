import { HotplugError } from '../../errors.ts'
import { vmRef, type VmKey } from '../../model/ids.ts'
import type { LauncherPod } from '../../model/pods.ts'
import type { DomainListener } from '../../ports/domains.ts'
import type { Pods } from '../../ports/pods.ts'
import { type Fleet, type Reached, tellEvent } from './fleet.ts'
import type { Hypervisor } from './hypervisor.ts'
import { Launcher, type LauncherNode } from './launcher.ts'
import type { CommonOptions } from './namespaces.ts'

const NO_LAUNCHER = 'no launcher of it runs on this node'

export interface LaunchersOptions extends CommonOptions {
  readonly pods: Pods
  readonly node: LauncherNode
}

/** The libvirts inside the launcher pods of this node, one per VM. Its id is the VM's key. */
export class Launchers implements Fleet {
  readonly #options: LaunchersOptions
  readonly #launchers = new Map<VmKey, Launcher>()
  #listener: DomainListener | null = null
  #endWatch: () => void = () => {}

  constructor(options: LaunchersOptions) {
    this.#options = options
  }

  start(listener: DomainListener): void {
    this.#listener = listener
    this.#endWatch = this.#options.pods.watch((vm) => (vm === null ? this.#bringAll() : this.#bring(vm)))
    if (this.#options.pods.vms() !== null) this.#bringAll()
  }

  close(): void {
    this.#endWatch()
    for (const launcher of this.#launchers.values()) launcher.close()
  }

  hypervisors(): readonly string[] | null {
    if (this.#options.pods.vms() === null || this.#listener === null) return null
    return [...this.#launchers].flatMap(([vm, launcher]) => (launcher.isEnded ? [] : [vm]))
  }

  hypervisorOf(vm: VmKey): string {
    return vm
  }

  connection(id: string): { readonly up: boolean; readonly why: string } | null {
    const launcher = this.#launchers.get(id as VmKey)
    if (launcher !== undefined && !launcher.isEnded) return launcher.connection
    return this.hypervisors() === null ? null : { up: true, why: NO_LAUNCHER }
  }

  reach(vm: VmKey): Reached | null {
    const launcher = this.#launchers.get(vm)
    if (this.hypervisors() === null) throw new HotplugError('LibvirtUnavailable', `${vm}: the pods of this node were not listed yet`)
    if (launcher === undefined || launcher.isEnded) return null
    const { hypervisor } = launcher
    if (hypervisor === null) throw new HotplugError('LibvirtUnavailable', `${vm}: ${launcher.connection.why}`)
    return { hypervisor, domain: domainOf(vm), whereabouts: () => launcher.whereabouts() }
  }

  find(id: string): Hypervisor | null {
    return this.#launchers.get(id as VmKey)?.hypervisor ?? null
  }

  vmOf(id: string, domain: string): VmKey | null {
    const vm = id as VmKey
    return domain === domainOf(vm) ? vm : null
  }

  #bringAll(): void {
    for (const vm of new Set([...(this.#options.pods.vms() ?? []), ...this.#launchers.keys()])) this.#bringOne(vm)
    this.#listener?.onHypervisors()
  }

  #bring(vm: VmKey): void {
    if (this.#bringOne(vm)) this.#listener?.onHypervisors()
  }

  /** True if something changed. */
  #bringOne(vm: VmKey): boolean {
    const pod = this.#options.pods.launcher(vm)
    const present = this.#launchers.get(vm)
    if (present?.podUid === pod?.uid) return false
    present?.close()
    this.#launchers.delete(vm)
    if (pod !== null) this.#launch(vm, pod)
    return true
  }

  #launch(vm: VmKey, pod: LauncherPod): void {
    const { pods: _pods, ...common } = this.#options
    const launcher = new Launcher({
      ...common,
      podUid: pod.uid,
      logFields: { vm, launcher: pod.name },
      onEvent: (kind, domain, detail) => tellEvent(this.#listener, this.vmOf(vm, domain), kind, detail),
      onConnection: (up, why) => this.#listener?.onConnection(vm, up, why),
      onEnd: () => this.#listener?.onHypervisors(),
    })
    this.#launchers.set(vm, launcher)
    launcher.start()
  }
}

/** KubeVirt's name of a VM's domain. */
function domainOf(vm: VmKey): string {
  const { namespace, name } = vmRef(vm)
  return `${namespace}_${name}`
}
