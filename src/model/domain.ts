import type { LiveDisk } from './disk.ts'

/** What libvirt says a domain is doing, as far as hotplug cares. */
export type DomainState = 'running' | 'paused' | 'off' | 'saved'

/** A QEMU process, safe against reuse of its pid. */
export interface ProcessRef {
  readonly pid: number
  /** Field 22 of /proc/PID/stat. */
  readonly startTime: string
}

/** A domain as read from libvirt at one moment. */
export interface DomainView {
  readonly uuid: string
  readonly state: DomainState
  /** Has a definition that outlives the running domain. */
  readonly persistent: boolean
  /** Null when no QEMU runs, or where its process could not be identified. */
  readonly process: ProcessRef | null
  /** Disks of the running domain; of the definition when it is off. */
  readonly disks: readonly LiveDisk[]
  /** Indexes of the virtio-scsi controllers, lowest first. */
  readonly scsiControllers: readonly number[]
  /** Disks of the persistent definition; empty for a transient domain. */
  readonly persistentDisks: readonly LiveDisk[]
}

/** Whether both are the same process, or none. */
export function sameProcess(a: ProcessRef | null, b: ProcessRef | null): boolean {
  return a?.pid === b?.pid && a?.startTime === b?.startTime
}
