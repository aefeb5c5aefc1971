import type { HotplugError } from '../errors.ts'
import type { VmKey } from '../model/ids.ts'
import type { ObservedVmi } from '../model/observed.ts'

/** The VMs of this node as the API server tells of them, for somebody who only watches. */
export interface ObservedVmis {
  /** Null: not listed yet. What was known stays known while the API server is away. */
  all(): readonly ObservedVmi[] | null
  /** Null: there is none of that name on this node. */
  find(vm: VmKey): ObservedVmi | null
  /** Why they cannot be read at present; null while all is well. */
  trouble(): HotplugError | null
  /** Calls back whenever one of them, or one of its pods, changed; with null when any may have. Returns what ends it. */
  watch(listener: (vm: VmKey | null) => void): () => void
}
