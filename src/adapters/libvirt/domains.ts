import { diskXml } from '../../core/disk-xml.ts'
import { HotplugError } from '../../errors.ts'
import type { DiskPlan, ExpectedDisk, LiveDisk } from '../../model/disk.ts'
import type { DomainView } from '../../model/domain.ts'
import { vmKey, vmRef, type VmKey } from '../../model/ids.ts'
import type { Clock } from '../../ports/clock.ts'
import type { CallOutcome, DomainListener, Domains } from '../../ports/domains.ts'
import type { NativeConnection, NativeEventKind, Scope } from './binding.ts'
import { outcomeOf, outcomeOfEnd, readFailure, type Exclusive } from './outcome.ts'
import { Hypervisor, type Log } from './hypervisor.ts'
import { clearLeftover } from './leftover.ts'
import { placeOf } from './uri.ts'

export interface DomainsOptions {
  /** libvirt's URI of each namespace. */
  readonly uris: ReadonlyMap<string, string>
  readonly log: Log
  readonly clock: Clock
  /** After this long a call counts as not answered: a change is uncertain then, a read failed. */
  readonly callDeadlineMs: number
  /** A libvirt that leaves `keepAliveCount` probes, one each interval, unanswered counts as lost. @default 5 */
  readonly keepAliveIntervalS?: number
  /** @default 3 */
  readonly keepAliveCount?: number
}

/**
 * The domains of real libvirts, one per namespace. Beyond the contract of the port: a change throws HotplugError
 * `LibvirtUnavailable` if it was not begun for want of a connection, and is refused as HOTPLUGD_BUSY if an earlier call
 * on its domain has not ended; codes are libvirt's own symbols, or HOTPLUGD_DISK_MISMATCH, HOTPLUGD_DISK_ABSENT,
 * HOTPLUGD_WOULD_SHRINK, HOTPLUGD_BAD_XML. `capacityBytes` throws `OutcomeUncertain` if QEMU does not answer in time.
 */
export function createDomains(options: DomainsOptions): Domains {
  return new LibvirtDomains(options)
}

class LibvirtDomains implements Domains {
  readonly #hypervisors: ReadonlyMap<string, Hypervisor>
  #listener: DomainListener | null = null

  constructor(options: DomainsOptions) {
    const namespaces = [...options.uris.keys()]
    this.#hypervisors = new Map(namespaces.map((namespace) => [namespace, this.#make(namespace, options)]))
  }

  start(listener: DomainListener): void {
    this.#listener = listener
    for (const hypervisor of this.#hypervisors.values()) hypervisor.start()
  }

  async close(): Promise<void> {
    for (const hypervisor of this.#hypervisors.values()) hypervisor.close()
  }

  connection(namespace: string): { readonly up: boolean; readonly why: string } | null {
    return this.#hypervisors.get(namespace)?.connection ?? null
  }

  namespaces(): readonly string[] {
    return [...this.#hypervisors.keys()]
  }

  async list(namespace: string): Promise<readonly VmKey[]> {
    const found = await this.#hypervisor(namespace).read(namespace, (native) => native.list())
    return found.map(({ name }) => vmKey({ namespace, name }))
  }

  observe(vm: VmKey): Promise<DomainView | null> {
    return this.#read(vm, (native, runDirs) => native.observe(nameOf(vm), runDirs))
  }

  liveDisk(vm: VmKey, alias: string): Promise<LiveDisk | null> {
    return this.#read(vm, (native) => native.disk(nameOf(vm), alias))
  }

  attach(vm: VmKey, disk: DiskPlan): Promise<CallOutcome> {
    return this.#add(vm, disk, 'live')
  }

  requestDetach(vm: VmKey, disk: ExpectedDisk): Promise<CallOutcome> {
    return this.#change(vm, (native) => native.detach(nameOf(vm), disk, 'live'))
  }

  persist(vm: VmKey, disk: DiskPlan): Promise<CallOutcome> {
    return this.#add(vm, disk, 'config')
  }

  async unpersist(vm: VmKey, disk: ExpectedDisk): Promise<CallOutcome> {
    const outcome = await this.#change(vm, (native) => native.detach(nameOf(vm), disk, 'config'))
    const absent = outcome.kind === 'refused' && outcome.code === 'HOTPLUGD_DISK_ABSENT'
    return absent ? { kind: 'done' } : outcome
  }

  async capacityBytes(vm: VmKey, target: string): Promise<number | null> {
    return this.#answered(vm, `for the size of ${target}`, (native) => native.capacity(nameOf(vm), target))
  }

  clearLeftover(vm: VmKey, disk: Pick<ExpectedDisk, 'alias' | 'path'>): Promise<void> {
    return this.#answered(vm, `to give ${disk.path} up`, async (native) => {
      const listed = await native.disk(nameOf(vm), disk.alias)
      if (listed === null) await clearLeftover((command) => native.monitor(nameOf(vm), command), disk)
    })
  }

  resize(vm: VmKey, target: string, sizeBytes: number): Promise<CallOutcome> {
    return this.#change(vm, (native) => native.resize(nameOf(vm), target, sizeBytes))
  }

  #make(namespace: string, options: DomainsOptions): Hypervisor {
    const uri = options.uris.get(namespace) ?? ''
    return new Hypervisor({
      place: placeOf(uri),
      log: options.log,
      logFields: { namespace, uri },
      clock: options.clock,
      callDeadlineMs: options.callDeadlineMs,
      keepAliveIntervalS: options.keepAliveIntervalS ?? 5,
      keepAliveCount: options.keepAliveCount ?? 3,
      onEvent: (kind, domain, detail) => tellEvent(this.#listener, vmKey({ namespace, name: domain }), kind, detail),
      onConnection: (up, why) => this.#listener?.onConnection(namespace, up, why),
    })
  }

  async #add(vm: VmKey, disk: DiskPlan, scope: Scope): Promise<CallOutcome> {
    requireKept(disk.alias)
    const xml = diskXml(disk)
    const { alias, target, path, address } = disk
    const expected = { alias, target, path, address, serial: disk.disk.serial }
    return this.#change(vm, (native) => native.attach(nameOf(vm), xml, expected, scope))
  }

  async #change(vm: VmKey, call: (native: NativeConnection) => Promise<void>): Promise<CallOutcome> {
    try {
      return outcomeOfEnd(await this.#alone(vm, call))
    } catch (error) {
      return outcomeOf(error)
    }
  }

  /** A call that QEMU has to answer. */
  async #answered<T>(vm: VmKey, asked: string, call: (native: NativeConnection) => Promise<T>): Promise<T> {
    const end = await this.#alone(vm, call).catch((error: unknown) => {
      throw readFailure(vm, error)
    })
    if (end.kind === 'value') return end.value
    throw new HotplugError('OutcomeUncertain', `the QEMU of ${vm} was asked ${asked}: ${end.message}`)
  }

  async #read<T>(vm: VmKey, call: (native: NativeConnection, runDirs: readonly string[]) => Promise<T>): Promise<T> {
    const hypervisor = this.#hypervisor(vmRef(vm).namespace)
    return hypervisor.read(vm, (native) => call(native, hypervisor.runDirs))
  }

  async #alone<T>(vm: VmKey, call: (native: NativeConnection) => Promise<T>): Promise<Exclusive<T>> {
    return this.#hypervisor(vmRef(vm).namespace).alone(nameOf(vm), call)
  }

  #hypervisor(namespace: string): Hypervisor {
    const found = this.#hypervisors.get(namespace)
    if (found === undefined) throw new HotplugError('UnknownNamespace', `no libvirt is configured for namespace ${namespace}`)
    return found
  }
}

/** libvirt would take only what stands before a NUL, and has no domain whose name holds a slash. */
function nameOf(vm: VmKey): string {
  const { name } = vmRef(vm)
  if (name === '' || /[\0/]/.test(name)) throw new HotplugError('InvalidRequest', `${JSON.stringify(vm)} cannot name a domain`)
  return name
}

/** libvirt drops any other alias in silence, and the disk could not be told from others any more. */
function requireKept(alias: string): void {
  if (!/^ua-[\w-]+$/.test(alias)) throw new HotplugError('InvalidName', `libvirt does not keep ${JSON.stringify(alias)} as an alias`)
}

function tellEvent(listener: DomainListener | null, vm: VmKey, kind: NativeEventKind, detail: string): void {
  switch (kind) {
    case 'domain':
      return listener?.onDomain(vm, detail)
    case 'disk-added':
      return listener?.onDiskAdded(vm, detail)
    case 'disk-removed':
      return listener?.onDiskRemoved(vm, detail)
    case 'disk-removal-failed':
      return listener?.onDiskRemovalFailed(vm, detail)
    case 'closed':
      return // told as the loss of the connection
  }
}
