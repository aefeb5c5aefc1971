import type { Moment } from '../core/follow/way.ts'
import type { VmKey } from '../model/ids.ts'
import type { DomainListener } from '../ports/domains.ts'
import type { CompanionParts } from './companion-parts.ts'
import { FollowedVm, type Sighting } from './followed-vm.ts'
import { Looks } from './looks.ts'

/** Backs up a lost event, and a mount, of which nobody tells. */
const LOOK_AGAIN_MS = 5_000
/** After a domain could not be read. */
const RETRY_MS = 1_000

/**
 * Follows the volumes that somebody else plugs: looks at a VM whenever the API server, its libvirt or its launcher's
 * directory tells of a change, and works out what became of each volume. Changes nothing.
 */
export class Companion {
  readonly #parts: CompanionParts
  readonly #vms = new Map<VmKey, FollowedVm>()
  readonly #looks: Looks<VmKey>
  /** By VM: which launcher's directory is watched, and what ends that. */
  readonly #watches = new Map<VmKey, { readonly podUid: string; readonly end: () => void }>()
  readonly #retrying = new Set<VmKey>()
  /** What the sinks were last told, so that they are told changes only. */
  readonly #told = new Map<VmKey, string>()
  #endVmis: () => void = () => {}
  #stopped = false

  constructor(parts: CompanionParts) {
    this.#parts = parts
    this.#looks = new Looks(parts.clock, (key) => this.#look(key), (key) => this.#seen(key))
  }

  start(): void {
    this.#endVmis = this.#parts.vmis.watch((vm) => (vm === null ? this.#lookAtAll() : this.#looks.ask(vm)))
    this.#parts.domains.start(this.#domainListener())
    this.#lookAtAll()
    this.#lookAgain()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#endVmis()
    this.#looks.close()
    for (const { end } of this.#watches.values()) end()
    this.#watches.clear()
    await this.#parts.domains.close()
  }

  /** Sorted by key. */
  vms(): FollowedVm[] {
    return [...this.#vms.values()].sort((a, b) => (a.key < b.key ? -1 : 1))
  }

  find(vm: VmKey): FollowedVm | undefined {
    return this.#vms.get(vm)
  }

  /** The libvirt of each VM. */
  connections(): { readonly hypervisor: string; readonly read: boolean; readonly why: string }[] {
    return this.vms().map(({ key, view }) => {
      const hypervisor = this.#parts.domains.hypervisorOf(key)
      return { hypervisor, read: view !== undefined, why: this.#parts.domains.connection(hypervisor)?.why ?? 'not reached yet' }
    })
  }

  #domainListener(): DomainListener {
    const ask = (vm: VmKey): void => this.#looks.ask(vm)
    return {
      onDomain: ask,
      onDiskAdded: ask,
      onDiskRemoved: ask,
      onDiskRemovalFailed: ask,
      onConnection: (hypervisor) => {
        for (const { key } of this.vms()) if (this.#parts.domains.hypervisorOf(key) === hypervisor) ask(key)
      },
      onHypervisors: () => this.#lookAtAll(),
    }
  }

  #lookAtAll(): void {
    const told = this.#parts.vmis.all() ?? []
    for (const key of new Set([...told.map(({ vm }) => vm), ...this.#vms.keys()])) this.#looks.ask(key)
  }

  #lookAgain(): void {
    this.#parts.clock.after(LOOK_AGAIN_MS, () => {
      if (this.#stopped) return
      for (const vm of this.#vms.values()) if (vm.isUnderWay) this.#looks.ask(vm.key)
      this.#lookAgain()
    })
  }

  /** Never rejects. */
  async #look(key: VmKey): Promise<void> {
    const vmi = this.#parts.vmis.find(key)
    const vm = this.#vms.get(key) ?? new FollowedVm(key)
    if (vmi === null && !this.#vms.has(key)) return
    this.#vms.set(key, vm)
    vm.takeVmi(vmi)
    this.#watchLauncher(vm)
    await Promise.all([this.#readDomain(vm), this.#readLauncher(vm)])
  }

  async #readDomain(vm: FollowedVm): Promise<void> {
    try {
      vm.takeView(await this.#parts.domains.observe(vm.key))
    } catch (thrown) {
      this.#parts.observer.failed('domain could not be read', { vm: vm.key }, vm.loseView(thrown))
      this.#readAgain(vm.key)
    }
  }

  #readAgain(key: VmKey): void {
    if (this.#retrying.has(key) || this.#stopped) return
    this.#retrying.add(key)
    this.#parts.clock.after(RETRY_MS, () => {
      this.#retrying.delete(key)
      if (!this.#stopped && this.#vms.has(key)) this.#looks.ask(key)
    })
  }

  async #readLauncher(vm: FollowedVm): Promise<void> {
    const podUid = vm.vmi?.launcherUid ?? null
    const exposed = podUid === null ? null : await this.#parts.views.exposed(podUid, vm.names()).catch(() => null)
    vm.takeExposed(exposed)
  }

  #watchLauncher({ key, vmi }: FollowedVm): void {
    const podUid = vmi?.launcherUid ?? null
    const present = this.#watches.get(key)
    if (present?.podUid === podUid) return
    present?.end()
    this.#watches.delete(key)
    if (podUid !== null && !this.#stopped) this.#watches.set(key, { podUid, end: this.#parts.views.watch(podUid, () => this.#looks.ask(key)) })
  }

  #seen(key: VmKey): void {
    const vm = this.#vms.get(key)
    if (vm === undefined) return
    this.#tell(vm.look(this.#now()))
    if (vm.vmi === null) return this.#forget(vm)
    const status = vm.status()
    const text = JSON.stringify(status)
    if (this.#told.get(key) === text) return
    this.#told.set(key, text)
    for (const sink of this.#parts.sinks) sink.publish(status)
  }

  #forget({ key }: FollowedVm): void {
    this.#vms.delete(key)
    this.#told.delete(key)
    for (const sink of this.#parts.sinks) sink.withdraw(key)
  }

  #tell({ changed, gone }: Sighting): void {
    const { observer } = this.#parts
    for (const { volume, before, stages } of changed) {
      for (const stage of stages) observer.stagePassed(volume, stage)
      if (volume.status.phase !== (before?.phase ?? null)) observer.phaseChanged(volume, before?.phase ?? null)
    }
    for (const { id, key, status } of gone) {
      observer.phaseChanged({ id, key, status: { ...status, phase: null, reason: 'VolumeReleased', message: `Volume ${key.volume} has left the VM` } }, status.phase)
    }
  }

  #now(): Moment {
    const { clock } = this.#parts
    return { iso: new Date(clock.now()).toISOString(), monotonicMs: clock.monotonicMs() }
  }
}
