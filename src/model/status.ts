import type { DiskSpec } from './disk.ts'
import type { VmKey } from './ids.ts'
import type { SourceSpec } from './source.ts'

/** KubeVirt's word in `volumeStatus`. Standalone has no pod and uses the first three. */
export type Phase = 'Pending' | 'Ready' | 'Detaching'

/** The steps into the guest, in order, the same words in status, metrics and page. Only Kubernetes has pods. */
export const PLUG_STAGES = ['podReady', 'discovered', 'exposed', 'attached', 'reported'] as const
/** The steps out of the guest, in order. */
export const UNPLUG_STAGES = ['detached', 'released', 'reported'] as const
/** The name of a step on either way; `reported` ends both. */
export type StageName = (typeof PLUG_STAGES)[number] | (typeof UNPLUG_STAGES)[number]

/** One finished step: when it began (wall clock, ISO 8601) and how long it took by the monotonic clock. */
export interface Stage {
  readonly name: StageName
  readonly startedAt: string
  readonly durationMs: number
}

/** What conditions tell of a volume: its source is found, the VM can reach it, libvirt lists the disk, the guest has it. */
export type ConditionType = 'SourceReady' | 'Exposed' | 'Attached' | 'Ready'

/** A Kubernetes-style condition. `lastTransitionTime` (ISO 8601) changes only with `status`. */
export interface Condition {
  readonly type: ConditionType
  readonly status: 'True' | 'False' | 'Unknown'
  readonly reason: string
  readonly message: string
  readonly lastTransitionTime: string
}

/** What is said of one disk of a VM: an entry of `status.volumeStatus[]` and what explains it. */
export interface VolumeStatus {
  readonly name: string
  /** Empty while the volume has none. */
  readonly target: string
  readonly serial: string | null
  /** False for the VM's ordinary disks, which have neither phase nor conditions. */
  readonly hotplugged: boolean
  readonly phase: Phase | null
  readonly reason: string
  readonly message: string
  /** What a person can do, where the failure knows better than the catalogue. */
  readonly remedy?: string
  readonly conditions: readonly Condition[]
  readonly stages: readonly Stage[]
  /** Path of the source, as asked for hot-plugged volumes, as libvirt lists it for others. */
  readonly source: string | null
  /** Bytes of the source as last seen; null for ordinary disks and sources not yet found. */
  readonly sizeBytes: number | null
  /** Where the wish comes from: `request`, or the manifest's file; null for ordinary disks. */
  readonly origin: string | null
  readonly persisted: boolean
  /** What is wanted of a hot-plugged volume; absent for ordinary disks and once nobody wants the volume any more. */
  readonly wish?: { readonly source: SourceSpec; readonly disk: DiskSpec }
}

/** What is said of one VM. */
export interface VmStatus {
  readonly vm: VmKey
  readonly uid: string | null
  readonly state: VmState
  readonly volumes: readonly VolumeStatus[]
  /** Trouble of the VM as a whole: its libvirt away, its manifest invalid. */
  readonly problems: readonly { readonly reason: string; readonly message: string }[]
}
/** The state of the domain; `NotFound`: libvirt has none of that name, `Unknown`: it does not answer, or was not read yet. */
export type VmState = 'Running' | 'Paused' | 'Stopped' | 'Saved' | 'NotFound' | 'Unknown'
