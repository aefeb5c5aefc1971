import { asHotplugError } from '../errors.ts'
import { type VmKey, vmRef } from '../model/ids.ts'
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
    for (const namespace of parts.ports.domains.namespaces()) this.#reach.set(namespace, 'unknown')
  }

  /** Every libvirt was read once or found to be away. One that comes back later keeps only its own VMs waiting. */
  get complete(): boolean {
    this.#wasComplete ||= [...this.#reach.values()].every((reach) => reach === 'read' || reach === 'down')
    return this.#wasComplete
  }

  /** For readiness: each namespace with what is known of its libvirt. */
  connections(): { readonly namespace: string; readonly read: boolean; readonly why: string }[] {
    return [...this.#reach].map(([namespace, reach]) => ({ namespace, read: reach === 'read', why: this.#why.get(namespace) ?? reach }))
  }

  /** A libvirt came within reach, or was lost. */
  async connection(namespace: string, up: boolean, why: string): Promise<void> {
    const news = Symbol(namespace)
    this.#news.set(namespace, news)
    this.#reach.set(namespace, up ? 'reading' : 'down')
    this.#why.set(namespace, why)
    if (up) await this.#readAll(namespace, news)
    else this.#lost(namespace, why)
    if (this.complete) for (const vm of this.#parts.world.all()) this.#settleReach(vm)
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
    const reach = this.#reach.get(vmRef(vm.key).namespace)
    return reach === 'read' || reach === 'reading'
  }

  async #readAll(namespace: string, news: symbol): Promise<void> {
    try {
      for (const key of await this.#parts.ports.domains.list(namespace)) this.#parts.world.vm(key)
      await Promise.allSettled(this.#parts.world.inNamespace(namespace).map((vm) => this.read(vm)))
      if (this.#news.get(namespace) === news) this.#reach.set(namespace, 'read')
    } catch (thrown) {
      if (this.#news.get(namespace) !== news) return
      this.#why.set(namespace, asHotplugError(thrown).message)
      this.#parts.ports.clock.after(RETRY_MS, () => void this.#retry(namespace, news))
    }
  }

  async #retry(namespace: string, news: symbol): Promise<void> {
    if (this.#news.get(namespace) === news) await this.connection(namespace, true, 'connected')
  }

  #lost(namespace: string, why: string): void {
    for (const vm of this.#parts.world.inNamespace(namespace)) this.#outOfReach(vm, why)
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
    const why = this.#why.get(vmRef(vm.key).namespace) ?? 'unknown namespace'
    this.#setReach(vm, this.#current.has(vm) && this.complete && this.#isUp(vm), why)
  }

  #setReach(vm: Vm, reachable: boolean, why: string): void {
    vm.reachable = reachable
    vm.unreachableBecause = reachable ? '' : why
    this.#parts.changed(vm)
  }
}
