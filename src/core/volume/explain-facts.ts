import type { HotplugError } from '../../errors.ts'
import type { DesiredVolume, Impediment } from '../../model/desired.ts'
import type { VmKey } from '../../model/ids.ts'
import type { VolumeRecord } from '../../model/record.ts'
import type { VolumeStatus } from '../../model/status.ts'
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
  /** Why the status could not be told where it belongs. */
  readonly untold: HotplugError | null
  /** When the VM is asked to shut down because nothing guarantees a source of it, in monotonic ms; null: it is not. */
  readonly stopsAtMs: number | null
  readonly nowMs: number
}
