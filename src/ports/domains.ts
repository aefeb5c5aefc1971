import type { DiskPlan, ExpectedDisk, LiveDisk } from '../model/disk.ts'
import type { DomainView } from '../model/domain.ts'
import type { VmKey } from '../model/ids.ts'

export type { ExpectedDisk }

/** What the hypervisors tell without being asked. Calls come on the event loop, in the order of the events. */
export interface DomainListener {
  /** A domain was defined, undefined, started, stopped, paused, resumed, saved, rebooted or had its XML changed by others. */
  onDomain(vm: VmKey, event: string): void
  onDiskAdded(vm: VmKey, alias: string): void
  onDiskRemoved(vm: VmKey, alias: string): void
  /** The guest or QEMU refused to give the disk up. */
  onDiskRemovalFailed(vm: VmKey, alias: string): void
  /** A hypervisor came within reach (again) or was lost. Everything known about its domains must be read anew. */
  onConnection(hypervisor: string, up: boolean, why: string): void
  /** `hypervisors()` is known from now on, or has changed. */
  onHypervisors(): void
}

/** How a changing call ended. `uncertain`: it may or may not have been done, or may still be done: only the live XML tells. */
export type CallOutcome =
  | { readonly kind: 'done' }
  | { readonly kind: 'refused'; readonly code: string; readonly message: string }
  | {
      readonly kind: 'uncertain'
      readonly message: string
      /** Resolves when the call has really ended; until then no other call is made on that domain. */
      readonly settled: Promise<void>
    }

/** How to read a domain back: whole, or one disk of it without parsing the rest in JavaScript. */
export interface Domains {
  /** Begins to connect, and keeps connecting; failures arrive as `onConnection(id, false, why)`. */
  start(listener: DomainListener): void
  /** Gives every connection up; calls in flight end as uncertain. */
  close(): Promise<void>

  /** The libvirts of this node by their ids: namespaces, or VMs with a libvirt of their own. Null: not known yet. */
  hypervisors(): readonly string[] | null
  /** The hypervisor that has the VM, or would have it. */
  hypervisorOf(vm: VmKey): string
  /** Null: no such hypervisor. Up too where it is certain that a VM has none here: it reads as a VM without a domain. */
  connection(hypervisor: string): { readonly up: boolean; readonly why: string } | null

  /** Every domain of the hypervisor, running or not. Throws HotplugError `LibvirtUnavailable`. */
  list(hypervisor: string): Promise<readonly VmKey[]>
  /** The domain as it is now; null if libvirt answers that there is none. Throws HotplugError `LibvirtUnavailable`. */
  observe(vm: VmKey): Promise<DomainView | null>
  /**
   * One disk of the live domain by alias; null if libvirt does not list it, or the domain does not run.
   *
   * @param domainUuid only if the domain has it. @default whichever has the VM's name
   */
  liveDisk(vm: VmKey, alias: string, domainUuid?: string): Promise<LiveDisk | null>

  /** Adds the disk to the running domain only. */
  attach(vm: VmKey, disk: DiskPlan): Promise<CallOutcome>
  /** Asks for the removal of the disk; done means *asked*. Compares alias, serial and source with the live XML first. */
  requestDetach(vm: VmKey, disk: ExpectedDisk): Promise<CallOutcome>
  /**
   * Has QEMU give up what it holds of a disk that libvirt does not list: what an attach or detach leaves that libvirt did
   * not live to finish, and that nobody else would clear before the VM ends. Nothing is done while libvirt lists the
   * alias; QEMU itself refuses to close what something else uses. Whether it is gone is to be read back.
   * Throws HotplugError `LibvirtUnavailable`, `OutcomeUncertain`.
   */
  clearLeftover(vm: VmKey, disk: Pick<ExpectedDisk, 'alias' | 'path'>): Promise<void>
  /** Adds the disk to the persistent definition only. */
  persist(vm: VmKey, disk: DiskPlan): Promise<CallOutcome>
  /** Takes the disk out of the persistent definition only, if it is the expected one; done too if it is not there. */
  unpersist(vm: VmKey, disk: ExpectedDisk): Promise<CallOutcome>
  /** Asks the guest to shut down; never ends it by force. Throws HotplugError `LibvirtUnavailable`, `OutcomeUncertain`. */
  shutdown(vm: VmKey): Promise<void>
  /** Size of the disk as QEMU reports it, in bytes. Also proves that QEMU answers. Null: no such disk, be it that only QEMU has it no more. */
  capacityBytes(vm: VmKey, target: string): Promise<number | null>
  /** Tells QEMU the new size in bytes; the caller made sure that it is larger than `capacityBytes`. */
  resize(vm: VmKey, target: string, sizeBytes: number): Promise<CallOutcome>
}
