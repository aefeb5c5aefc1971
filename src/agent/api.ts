import type { HotplugError } from '../errors.ts'
import type { DesiredVolume } from '../model/desired.ts'
import type { VmRef, VolumeKey } from '../model/ids.ts'
import type { VmKey } from '../model/ids.ts'
import type { Explanation } from '../model/explanation.ts'
import type { VmStatus } from '../model/status.ts'
import type { DiskSpec } from '../model/disk.ts'
import type { LocalSource } from '../model/source.ts'

export type { Explanation }

/** A request to plug a volume, already free of the shape it came in. */
export interface AddVolume {
  readonly vm: VmRef
  readonly name: string
  readonly source: LocalSource
  readonly disk: DiskSpec
  readonly persist: boolean
  /** All checks, no change. */
  readonly dryRun: boolean
}

/** A request to take a volume out. */
export interface RemoveVolume {
  readonly vm: VmRef
  readonly name: string
  readonly persist: boolean
  readonly dryRun: boolean
}

/** One line of a volume's history. */
export interface HistoryEntry {
  readonly at: string
  readonly volume: string
  readonly event: string
  readonly durationMs: number | null
  readonly reason: string | null
  readonly message: string | null
}

/** The engine as JSON, for debugging: names are stable, depth is not. */
export interface EngineState {
  /** Kubernetes mode: the role on this node, and why; null where there is only one. */
  readonly role: unknown
  /** Kubernetes mode: each watch of the API server, with its age and trouble, and the writes; null elsewhere. */
  readonly cluster: unknown
  /** The actual world, VM by VM: whether its libvirt answers, what holds it, its domain with all disks as last read. */
  readonly vms: readonly unknown[]
  /** The desired world: each wish, and who has it. */
  readonly desired: readonly unknown[]
  /** The actual world, volume by volume: state, record, last trouble. */
  readonly actual: readonly unknown[]
  /** What would be done now for each volume, or why nothing is. */
  readonly plan: readonly unknown[]
  /** Acts under way, and for how long. */
  readonly operations: readonly unknown[]
  /** VMs with acts under way or volumes that wait for their turn. */
  readonly queues: readonly unknown[]
  readonly journal: readonly unknown[]
  /** Why some of the journal could not be used at the start. */
  readonly journalDoubts: readonly string[]
  readonly history: readonly HistoryEntry[]
  readonly sources: readonly unknown[]
  /** Who has which devices and inodes. */
  readonly holders: readonly unknown[]
  readonly connections: readonly unknown[]
}

/** One check of `/readyz?verbose`. */
export interface Check {
  readonly name: string
  readonly ok: boolean
  readonly message: string
  /** What is to be said of it while it is ok. */
  readonly note?: string
  /** What a person is to know although nobody has to wait for it, such as a manifest that cannot be read. */
  readonly warnings?: readonly string[]
  /** Its name is a VM's: not for everybody who reaches the probes. */
  readonly namesVm?: boolean
}

/** What the engine offers to the local API. Errors are HotplugErrors; http/ turns reasons into status codes. */
export interface AgentApi {
  /** Every known VM, sorted by key; with `namespace` only its own. */
  vms(namespace?: string): readonly VmStatus[]
  /** Null: libvirt has no such domain and nothing wants volumes in it. */
  vm(ref: VmRef): VmStatus | null
  /** Calls back on every change of a VM's status, with null when the VM is gone. Returns what ends it. */
  watch(listener: (vm: VmKey, status: VmStatus | null) => void): () => void
  explain(key: VolumeKey): Explanation | null
  /** Why a VM that is not told may be there all the same; null, and where there is no such method: it is not. */
  unread?(): HotplugError | null
  /**
   * Resolves once the wish is durable (and plugging may be under way already). Reasons: VmNotFound, NameTaken,
   * SourceTaken, HotplugDisabled, InvalidName, InvalidSerial, Source…, TransientDomain, LibvirtUnavailable, StateUnwritable.
   */
  addVolume(request: AddVolume): Promise<void>
  /** Resolves once the wish is durable. Reasons: VmNotFound, VolumeNotFound, NotHotplugged, OwnedByManifest, PersistRequired, NotPersisted, StateUnwritable. */
  removeVolume(request: RemoveVolume): Promise<void>
  state(): EngineState
  /** The last things that happened, oldest first. */
  history(): readonly HistoryEntry[]
  /** Ready: every source of desired state read once, journal rebuilt, first reconcile of reachable VMs done. */
  readiness(): readonly Check[]
}

/** The store behind requests: desired state that survives power loss. */
export interface RequestStore {
  /** Resolves when durable; the snapshot that holds it is delivered to the engine at once, before it is durable. */
  put(volume: DesiredVolume): Promise<void>
  /** Resolves when durable; absent volumes are fine. */
  remove(key: VolumeKey): Promise<void>
}
