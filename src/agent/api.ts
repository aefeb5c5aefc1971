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
  readonly desired: readonly unknown[]
  readonly actual: readonly unknown[]
  readonly operations: readonly unknown[]
  readonly journal: readonly unknown[]
  readonly history: readonly unknown[]
  readonly sources: readonly unknown[]
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
  /**
   * Resolves once the wish is durable (and plugging may be under way already). Reasons: VmNotFound, NameTaken,
   * SourceTaken, HotplugDisabled, InvalidName, InvalidSerial, Source…, TransientDomain, LibvirtUnavailable, StateUnwritable.
   */
  addVolume(request: AddVolume): Promise<void>
  /** Resolves once the wish is durable. Reasons: VmNotFound, VolumeNotFound, NotHotplugged, OwnedByManifest, PersistRequired, NotPersisted, StateUnwritable. */
  removeVolume(request: RemoveVolume): Promise<void>
  state(): EngineState
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
