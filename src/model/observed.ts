import type { DiskSpec } from './disk.ts'
import type { VmKey } from './ids.ts'

/** A VM of this node that somebody else plugs volumes into, as the API server tells of it. */
export interface ObservedVmi {
  readonly vm: VmKey
  readonly uid: string
  /** UID of the pod that runs it here; null: none is known. */
  readonly launcherUid: string | null
  readonly migrating: boolean
  /** Volumes of the spec that stand on claims. */
  readonly volumes: readonly ObservedVolume[]
  /** `status.volumeStatus`, ordinary disks included. */
  readonly entries: readonly ObservedEntry[]
  /** The attachment pod of each volume that has one: the one that the status names, if it is known. */
  readonly pods: ReadonlyMap<string, ObservedPod>
  /** KubeVirt's own words for why the domain could not be brought in line (condition Synchronized); null: nothing is said. */
  readonly failure: ObservedFailure | null
}

/** Trouble in somebody else's words: a CamelCase reason, and a message that may be empty. */
export interface ObservedFailure {
  readonly reason: string
  readonly message: string
}

/** A volume of the spec, with its disk. */
export interface ObservedVolume {
  readonly name: string
  readonly claim: string
  /** `hotpluggable: true` */
  readonly hotpluggable: boolean
  readonly disk: DiskSpec
}

/** An entry of `status.volumeStatus`; absent texts are empty. */
export interface ObservedEntry {
  readonly name: string
  readonly phase: string
  readonly reason: string
  readonly message: string
  readonly target: string
  /** The attachment pod that it names; null: no hot-plugged volume. */
  readonly hotplug: { readonly podName: string; readonly podUid: string } | null
}

/** An attachment pod. */
export interface ObservedPod {
  readonly uid: string
  readonly name: string
  readonly phase: string
  readonly ready: boolean
  readonly terminating: boolean
  /** What it stumbles over or waits for, in the words of kubelet or scheduler; null: nothing is said. */
  readonly hitch: ObservedFailure | null
}
