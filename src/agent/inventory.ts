import { asHotplugError } from '../errors.ts'
import type { VmKey } from '../model/ids.ts'
import type { DomainReader } from './domain-reader.ts'
import type { Ports } from './ports.ts'
import type { Vm } from './vm.ts'
import type { World } from './world.ts'

type Reach = 'unknown' | 'reading' | 'read' | 'down'

/** After a domain could not be read although its libvirt is connected. */
const RETRY_MS = 1_000

export interface InventoryParts {
  readonly ports: Ports
  readonly world: World
  readonly reader: DomainReader
  /** A VM was read, or came within or out of reach. */
  readonly changed: (vm: Vm) => void
}

/**
 * Which libvirts are within reach, and that all their domains were read. No VM counts as reachable before every libvirt
 * was read once or found to be away: only then is it known who holds which source (invariant I1).
 */
export class Inventory {
  readonly #parts: InventoryParts
  readonly #reach = new Map<string, Reach>()
  readonly #why = new Map<string, string>()
  /** What was last heard of each libvirt; a reading that began before that decides nothing. */
  readonly #news = new Map<string, symbol>()
  /** Read since their libvirt last came within reach, and not in vain. */
  readonly #current = new WeakSet<Vm>()
  readonly #retrying = new Set<VmKey>()
  #wasComplete = false

  constructor(parts: InventoryParts) {
    this.#parts = parts
    this.hypervisors()
  }

  /** Every libvirt was read once or found to be away. One that comes (back) later keeps only its own VMs waiting. */
  get complete(): boolean {
    const isKnown = this.#parts.ports.domains.hypervisors() !== null
    this.#wasComplete ||= isKnown && [...this.#reach.values()].every((reach) => reach === 'read' || reach === 'down')
    return this.#wasComplete
  }

  /** Which libvirts there are became known, or has changed. */
  hypervisors(): void {
    const now = new Set(this.#parts.ports.domains.hypervisors())
    for (const id of now) if (!this.#reach.has(id)) this.#reach.set(id, 'unknown')
    for (const id of this.#reach.keys()) if (!now.has(id)) this.#forget(id)
    this.#settleAll()
  }

  /** For readiness: each libvirt with what is known of it. */
  connections(): { readonly hypervisor: string; readonly read: boolean; readonly why: string }[] {
    return [...this.#reach].map(([hypervisor, reach]) => ({ hypervisor, read: reach === 'read', why: this.#why.get(hypervisor) ?? reach }))
  }

  /** A libvirt came within reach, or was lost. */
  async connection(hypervisor: string, up: boolean, why: string): Promise<void> {
    const news = Symbol(hypervisor)
    this.#news.set(hypervisor, news)
    this.#reach.set(hypervisor, up ? 'reading' : 'down')
    this.#why.set(hypervisor, why)
    if (up) await this.#readAll(hypervisor, news)
    else this.#lost(hypervisor, why)
    this.#settleAll()
  }

  /** A VM that is wanted is read if it was not yet. */
  want(vm: Vm): void {
    if (vm.view === undefined && this.#isUp(vm)) this.read(vm).catch(() => undefined)
  }

  /** Reads one domain. @throws HotplugError LibvirtUnavailable */
  async read(vm: Vm): Promise<void> {
    try {
      await this.#parts.reader.read(vm)
      this.#current.add(vm)
      this.#settleReach(vm)
    } catch (thrown) {
      this.#unreadable(vm, asHotplugError(thrown).message)
      throw thrown
    }
  }

  #isUp(vm: Vm): boolean {
    const id = this.#hypervisorOf(vm)
    const reach = this.#reach.get(id)
    if (reach === undefined) return this.#parts.ports.domains.connection(id)?.up === true
    return reach === 'read' || reach === 'reading'
  }

  #hypervisorOf(vm: Vm): string {
    return this.#parts.ports.domains.hypervisorOf(vm.key)
  }

  #vmsOf(id: string): Vm[] {
    return [...this.#parts.world.all()].filter((vm) => this.#hypervisorOf(vm) === id)
  }

  /** A libvirt that is no more; its VMs read as without a domain from now on. */
  #forget(id: string): void {
    for (const facts of [this.#reach, this.#why, this.#news]) facts.delete(id)
    for (const vm of this.#vmsOf(id)) this.read(vm).catch(() => undefined)
  }

  #settleAll(): void {
    if (this.complete) for (const vm of this.#parts.world.all()) this.#settleReach(vm)
  }

  async #readAll(hypervisor: string, news: symbol): Promise<void> {
    try {
      for (const key of await this.#parts.ports.domains.list(hypervisor)) this.#parts.world.vm(key)
      await Promise.allSettled(this.#vmsOf(hypervisor).map((vm) => this.read(vm)))
      if (this.#news.get(hypervisor) === news) this.#reach.set(hypervisor, 'read')
    } catch (thrown) {
      if (this.#news.get(hypervisor) !== news) return
      this.#why.set(hypervisor, asHotplugError(thrown).message)
      this.#parts.ports.clock.after(RETRY_MS, () => void this.#retry(hypervisor, news))
    }
  }

  async #retry(hypervisor: string, news: symbol): Promise<void> {
    if (this.#news.get(hypervisor) === news) await this.connection(hypervisor, true, 'connected')
  }

  #lost(hypervisor: string, why: string): void {
    for (const vm of this.#vmsOf(hypervisor)) this.#outOfReach(vm, why)
  }

  #unreadable(vm: Vm, why: string): void {
    this.#outOfReach(vm, why)
    if (this.#isUp(vm)) this.#readAgain(vm.key)
  }

  /** One timer a VM, however many were told in vain. A VM of which nothing is known was dropped meanwhile. */
  #readAgain(key: VmKey): void {
    if (this.#retrying.has(key)) return
    this.#retrying.add(key)
    this.#parts.ports.clock.after(RETRY_MS, () => {
      this.#retrying.delete(key)
      this.read(this.#parts.world.vm(key)).catch(() => undefined)
    })
  }

  #outOfReach(vm: Vm, why: string): void {
    this.#current.delete(vm)
    this.#setReach(vm, false, why)
  }

  #settleReach(vm: Vm): void {
    const why = this.#why.get(this.#hypervisorOf(vm)) ?? 'not known yet'
    this.#setReach(vm, this.#current.has(vm) && this.complete && this.#isUp(vm), why)
  }

  #setReach(vm: Vm, reachable: boolean, why: string): void {
    vm.reachable = reachable
    vm.unreachableBecause = reachable ? '' : why
    this.#parts.changed(vm)
  }
}
