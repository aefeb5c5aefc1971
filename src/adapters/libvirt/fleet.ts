import type { VmKey } from '../../model/ids.ts'
import type { DomainListener } from '../../ports/domains.ts'
import type { NativeEventKind } from './binding.ts'
import type { Hypervisor } from './hypervisor.ts'

/** Where the QEMU processes of a libvirt are to be found: by its pid files, or among these processes. */
export interface Whereabouts {
  readonly runDirs: readonly string[]
  readonly pids: readonly number[]
}

/** A libvirt within reach of its name, and how it calls the VM. */
export interface Reached {
  readonly hypervisor: Hypervisor
  readonly domain: string
  whereabouts(): Promise<Whereabouts>
}

/** The libvirts of a node, and which of them has which VM. Contracts of the like-named: `Domains`. */
export interface Fleet {
  start(listener: DomainListener): void
  close(): void
  hypervisors(): readonly string[] | null
  hypervisorOf(vm: VmKey): string
  connection(hypervisor: string): { readonly up: boolean; readonly why: string } | null
  /** Null: it is certain that no libvirt of this node has the VM. @throws HotplugError UnknownNamespace, InvalidRequest, LibvirtUnavailable */
  reach(vm: VmKey): Reached | null
  /** Null: there is no such libvirt (any more). */
  find(hypervisor: string): Hypervisor | null
  /** The VM that a libvirt calls so; null: none of ours. */
  vmOf(hypervisor: string, domain: string): VmKey | null
}

/** Passes what a libvirt tells on, under the VM's own key. */
export function tellEvent(listener: DomainListener | null, vm: VmKey | null, kind: NativeEventKind, detail: string): void {
  if (vm === null) return
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
