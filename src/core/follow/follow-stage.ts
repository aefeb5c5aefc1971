import type { LiveDisk } from '../../model/disk.ts'
import type { ObservedEntry, ObservedFailure, ObservedPod, ObservedVolume } from '../../model/observed.ts'
import type { Direction } from './way.ts'

/** What is seen of one hot-plugged volume that somebody else takes in and out. */
export interface FollowFacts {
  readonly name: string
  /** Null: it is not in the spec (any more). */
  readonly spec: ObservedVolume | null
  readonly entry: ObservedEntry | null
  readonly pod: ObservedPod | null
  /** Null: it is not known whether the launcher has it. */
  readonly exposed: boolean | null
  /** Null: libvirt does not list it. Undefined: libvirt was not asked, or does not answer. */
  readonly disk: LiveDisk | null | undefined
  readonly hasLauncher: boolean
  readonly migrating: boolean
  /** KubeVirt's own words about the whole VM. */
  readonly failure: ObservedFailure | null
  /** Another volume of the VM that KubeVirt has to get over first. */
  readonly heldUpBy: HeldUp | null
}

/** Why another volume is in the way. */
export interface HeldUp {
  readonly volume: string
  readonly cause: string
}

/** Phases in which the launcher has the volume. */
const EXPOSED: readonly string[] = ['MountedToPod', 'Ready']
/** Phases in which it has it no more. */
const WITHDRAWN: readonly string[] = ['UnMountedFromPod', 'Detaching']

/** Which way the volume is on, and how many stages of it are behind it. Pure. */
export function seenOf(facts: FollowFacts): { readonly direction: Direction; readonly level: number } {
  return facts.spec === null ? { direction: 'out', level: levelOut(facts) } : { direction: 'in', level: levelIn(facts) }
}

/** podReady → discovered (the status names the pod's UID, by which virt-handler finds it) → exposed → attached → reported. */
function levelIn(facts: FollowFacts): number {
  if (isReported(facts)) return 5
  if (facts.disk) return 4
  if (isExposed(facts)) return 3
  if (!isPodReady(facts)) return 0
  return facts.entry?.hotplug?.podUid ? 2 : 1
}

/** Of a removed volume `detached`, `released`, `reported`. */
function levelOut(facts: FollowFacts): number {
  if (facts.disk) return 0
  if (isWithdrawn(facts.entry)) return 3
  if (facts.disk === undefined) return 0
  return facts.exposed === false ? 2 : 1
}

/** Its status says so, and libvirt does not say otherwise (invariant I6). */
export function isReported({ entry, disk }: FollowFacts): boolean {
  return entry?.phase === 'Ready' && disk !== null
}

/** What the launcher shows counts; without a view of it, what the status says. */
export function isExposed({ entry, exposed }: FollowFacts): boolean {
  return exposed ?? EXPOSED.includes(entry?.phase ?? '')
}

/** A pod that is not known counts as ready if the status has its UID: that is written only then. */
export function isPodReady({ entry, pod }: FollowFacts): boolean {
  if (isWithdrawn(entry) && entry !== null) return false
  return pod === null ? Boolean(entry?.hotplug?.podUid) || EXPOSED.includes(entry?.phase ?? '') : pod.ready
}

/** The status says that it is out, or says nothing any more. */
export function isWithdrawn(entry: ObservedEntry | null): boolean {
  return entry === null || WITHDRAWN.includes(entry.phase)
}
