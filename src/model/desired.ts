import type { Reason } from '../errors.ts'
import type { VmKey } from './ids.ts'
import type { DiskSpec } from './disk.ts'
import type { SourceSpec } from './source.ts'

/** Who wants a volume. Several sources of desired state exist at once, and each volume knows its own. */
export type Origin =
  | { readonly kind: 'request' }
  | { readonly kind: 'manifest'; readonly file: string }
  | { readonly kind: 'vmi' }

/** One volume that somebody wants in a VM. */
export interface DesiredVolume {
  readonly vm: VmKey
  readonly name: string
  readonly source: SourceSpec
  readonly disk: DiskSpec
  /** Also in the persistent definition of the domain. */
  readonly persist: boolean
  readonly origin: Origin
  /**
   * Identity of the wish. A volume removed and added again under its name gets a new token and is taken out and put in
   * again, even if nothing else changed. Manifests have no such identity and use an empty token.
   */
  readonly token: string
  /** The domain's UUID when the wish was made; a domain of that name with another UUID is not the same VM. Null: any. */
  readonly vmUid: string | null
  /** Why it cannot be plugged yet although it is wanted; nothing is done about a volume that is plugged already. */
  readonly blocked?: Impediment
  /** An image is to be at least this large: as large as there is room for in what holds it. Never made smaller. */
  readonly fillBytes?: number
  /** Nothing on this node holds the source any more, so that it cannot be guaranteed, although the disk may be in. */
  readonly unheld?: Impediment
}

/**
 * A volume that was wanted and is to go. What the live domain has of it is taken out even where no journal tells that it
 * was plugged here: after the journal was lost, or where another agent plugged it.
 */
export type LeavingVolume = Pick<DesiredVolume, 'vm' | 'name' | 'source' | 'origin'>

/** Something that is waited for, and nothing that the agent does brings nearer. `cause` is the fact, without the remedy. */
export interface Impediment {
  readonly reason: Reason
  readonly cause: string
}

/** Whether both tell the same, or nothing. */
export function isSameImpediment(a: Impediment | null | undefined, b: Impediment | null | undefined): boolean {
  return a?.reason === b?.reason && a?.cause === b?.cause
}

/**
 * What one source of desired state wants, whole. `synced: false` means the source could not be read completely:
 * nothing absent from it may be taken as unwanted (invariant I9).
 */
export interface DesiredSnapshot {
  readonly synced: boolean
  readonly volumes: readonly DesiredVolume[]
  /** VMs whose part of this source could not be read: their absent volumes are not unwanted. */
  readonly unreadable: readonly VmKey[]
  /** Why so, where there is more to say than that. */
  readonly doubts?: ReadonlyMap<VmKey, Impediment>
  /** What this source wanted once, as far as it remembers. */
  readonly leaving?: readonly LeavingVolume[]
  /** VMs in which nothing at all may be changed at present, such as one that migrates. */
  readonly held?: ReadonlyMap<VmKey, Impediment>
  /** Trouble to tell a person, such as an invalid manifest; `vm` where it can be attributed. */
  readonly problems: readonly DesiredProblem[]
}

/** Something in a source of desired state that could not be used. */
export interface DesiredProblem {
  readonly vm: VmKey | null
  readonly volume: string | null
  readonly reason: string
  readonly message: string
}

/**
 * The part of a wish that a plugged disk is made of. If it changes the disk is taken out and put in again.
 * `persist` is not part of it: that is changed beside a live disk.
 */
export function fingerprint(volume: DesiredVolume): string {
  return JSON.stringify([volume.token, volume.source, volume.disk])
}
