import type { DesiredVolume, Impediment } from '../model/desired.ts'
import type { VmKey } from '../model/ids.ts'
import type { VolumeRecord } from '../model/record.ts'
import type { VolumeStatus } from '../model/status.ts'
import type { Trouble } from './trouble.ts'

/** Everything an explanation is made of. */
export interface ExplainFacts {
  readonly vm: VmKey
  readonly status: VolumeStatus
  readonly desired: DesiredVolume | null
  readonly record: VolumeRecord | null
  readonly trouble: Trouble | null
  readonly waiting: Impediment | null
  /** The act under way, if any, and for how long. */
  readonly acting: { readonly verb: string; readonly forMs: number } | null
  /** It has something to do, and waits for others of its VM to be done. */
  readonly queued: boolean
  /** Of the domain that has the VM's name now. */
  readonly domainUuid: string | null
  /** Why libvirt cannot be asked; empty while it can. */
  readonly unreachableBecause: string
  /** What else is wrong with the VM, or with what asks for its volumes. */
  readonly besides: readonly string[]
  readonly nowMs: number
}
