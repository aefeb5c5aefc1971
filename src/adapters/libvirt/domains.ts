import { diskXml } from '../../core/disk/disk-xml.ts'
import { HotplugError } from '../../errors.ts'
import type { DiskPlan, ExpectedDisk, LiveDisk } from '../../model/disk.ts'
import type { DomainView } from '../../model/domain.ts'
import type { VmKey } from '../../model/ids.ts'
import type { CallOutcome, DomainListener, Domains } from '../../ports/domains.ts'
import type { NativeConnection, Scope } from './binding.ts'
import type { Fleet, Reached } from './fleet.ts'
import { Launchers, type LaunchersOptions } from './launchers.ts'
import { clearLeftover } from './leftover.ts'
import { type CommonOptions, Namespaces } from './namespaces.ts'
import { outcomeOf, outcomeOfEnd, readFailure, type Exclusive } from './outcome.ts'

export interface DomainsOptions extends Omit<CommonOptions, 'keepAliveIntervalS' | 'keepAliveCount'> {
  /** libvirt's URI of each namespace. */
  readonly uris: ReadonlyMap<string, string>
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
export function createDomains({ uris, ...common }: DomainsOptions): Domains {
  return new LibvirtDomains(new Namespaces(uris, { keepAliveIntervalS: 5, keepAliveCount: 3, ...common }))
}

/** The same for the libvirts that launchers of this node bring along. */
export function createLauncherDomains(options: LaunchersOptions): Domains {
  return new LibvirtDomains(new Launchers(options))
}

class LibvirtDomains implements Domains {
  readonly #fleet: Fleet

  constructor(fleet: Fleet) {
    this.#fleet = fleet
  }

  start(listener: DomainListener): void {
    this.#fleet.start(listener)
  }

  async close(): Promise<void> {
    this.#fleet.close()
  }

  connection(hypervisor: string): { readonly up: boolean; readonly why: string } | null {
    return this.#fleet.connection(hypervisor)
  }

  hypervisors(): readonly string[] | null {
    return this.#fleet.hypervisors()
  }

  hypervisorOf(vm: VmKey): string {
    return this.#fleet.hypervisorOf(vm)
  }

  async list(id: string): Promise<readonly VmKey[]> {
    const found = await this.#fleet.find(id)?.read(id, (native) => native.list())
    return (found ?? []).flatMap(({ name }) => this.#fleet.vmOf(id, name) ?? [])
  }

  observe(vm: VmKey): Promise<DomainView | null> {
    return this.#read(vm, async (native, reached) => {
      const { runDirs, pids } = await reached.whereabouts()
      return native.observe(reached.domain, runDirs, pids)
    })
  }

  liveDisk(vm: VmKey, alias: string, domainUuid = ''): Promise<LiveDisk | null> {
    return this.#read(vm, (native, { domain }) => native.disk(domain, alias, domainUuid))
  }

  attach(vm: VmKey, disk: DiskPlan): Promise<CallOutcome> {
    return this.#add(vm, disk, 'live')
  }

  requestDetach(vm: VmKey, disk: ExpectedDisk): Promise<CallOutcome> {
    return this.#change(vm, (native, domain) => native.detach(domain, disk, 'live'))
  }

  persist(vm: VmKey, disk: DiskPlan): Promise<CallOutcome> {
    return this.#add(vm, disk, 'config')
  }

  async unpersist(vm: VmKey, disk: ExpectedDisk): Promise<CallOutcome> {
    const outcome = await this.#change(vm, (native, domain) => native.detach(domain, disk, 'config'))
    const absent = outcome.kind === 'refused' && outcome.code === 'HOTPLUGD_DISK_ABSENT'
    return absent ? { kind: 'done' } : outcome
  }

  shutdown(vm: VmKey): Promise<void> {
    return this.#answered(vm, 'to shut down', (native, domain) => native.shutdown(domain))
  }

  async capacityBytes(vm: VmKey, target: string): Promise<number | null> {
    return this.#answered(vm, `for the size of ${target}`, (native, domain) => native.capacity(domain, target))
  }

  clearLeftover(vm: VmKey, disk: Pick<ExpectedDisk, 'alias' | 'path'>): Promise<void> {
    return this.#answered(vm, `to give ${disk.path} up`, async (native, domain) => {
      const listed = await native.disk(domain, disk.alias, '')
      if (listed === null) await clearLeftover((command) => native.monitor(domain, command), disk)
    })
  }

  resize(vm: VmKey, target: string, sizeBytes: number): Promise<CallOutcome> {
    return this.#change(vm, (native, domain) => native.resize(domain, target, sizeBytes))
  }

  async #add(vm: VmKey, disk: DiskPlan, scope: Scope): Promise<CallOutcome> {
    requireKept(disk.alias)
    const xml = diskXml(disk)
    const { alias, target, path, address, domainUuid = '' } = disk
    const expected = { alias, target, path, address, serial: disk.disk.serial }
    return this.#change(vm, (native, domain) => native.attach(domain, xml, expected, scope, domainUuid))
  }

  async #change(vm: VmKey, call: DomainCall<void>): Promise<CallOutcome> {
    try {
      return outcomeOfEnd(await this.#alone(vm, call))
    } catch (error) {
      return outcomeOf(error)
    }
  }

  /** A call that QEMU has to answer. */
  async #answered<T>(vm: VmKey, asked: string, call: DomainCall<T>): Promise<T> {
    const end = await this.#alone(vm, call).catch((error: unknown) => {
      throw readFailure(vm, error)
    })
    if (end.kind === 'value') return end.value
    throw new HotplugError('OutcomeUncertain', `the QEMU of ${vm} was asked ${asked}: ${end.message}`)
  }

  /** Null too where it is certain that the VM has no libvirt here. */
  async #read<T>(vm: VmKey, call: (native: NativeConnection, reached: Reached) => Promise<T>): Promise<T | null> {
    const reached = this.#fleet.reach(vm)
    return reached === null ? null : reached.hypervisor.read(vm, (native) => call(native, reached))
  }

  async #alone<T>(vm: VmKey, call: DomainCall<T>): Promise<Exclusive<T>> {
    const reached = this.#fleet.reach(vm)
    if (reached === null) throw new HotplugError('VmNotRunning', `${vm} has no libvirt on this node`)
    return reached.hypervisor.alone(reached.domain, (native) => call(native, reached.domain))
  }
}

type DomainCall<T> = (native: NativeConnection, domain: string) => Promise<T>

/** libvirt drops any other alias in silence, and the disk could not be told from others any more. */
function requireKept(alias: string): void {
  if (!/^ua-[\w-]+$/.test(alias)) throw new HotplugError('InvalidName', `libvirt does not keep ${JSON.stringify(alias)} as an alias`)
}
