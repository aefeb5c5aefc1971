import type { VolumeKey } from './ids.ts'
import type { DriveAddress, ExpectedDisk } from './disk.ts'
import type { Footprint, Handle, ImageFormat, SourceIdentity } from './source.ts'
import type { Origin } from './desired.ts'
import type { ProcessRef } from './domain.ts'
import type { JournalStep } from './steps.ts'

/**
 * What the agent made of a source so that the domain can open it. `path` is the path in the domain's own view.
 * `handle` belongs to the adapter that made it and is kept in the journal so that it can be undone after a crash.
 */
export interface Exposure {
  readonly path: string
  readonly kind: 'block' | 'file'
  readonly handle: Handle
}

/** All that must be known to recognise, explain and take out again what the agent plugged. Kept in the exposure journal. */
export interface VolumeRecord {
  readonly key: VolumeKey
  /** The last step written. */
  readonly step: JournalStep
  readonly domainUuid: string
  /** The QEMU that has the disk; a record of another process is void. Null where it could not be identified. */
  readonly process: ProcessRef | null
  /** `fingerprint()` of the wish that was plugged. */
  readonly fingerprint: string
  readonly alias: string
  readonly target: string
  readonly address: DriveAddress
  readonly serial: string
  readonly shareable: boolean
  readonly exposure: Exposure
  readonly identity: SourceIdentity
  readonly footprint: Footprint
  readonly readonly: boolean
  readonly format: ImageFormat
  /** Bytes that QEMU was last known to show the guest; for raw sources that may grow. */
  readonly sizeBytes: number
  /** False once the disk belongs to the domain's own definition and came up with it. */
  readonly hotplugged: boolean
  /** Which kind of desired state asked for it; only that one can take it back. */
  readonly origin: Origin['kind']
}

/**
 * A disk that the agent put into a domain's persistent definition, or is about to: the agent's own record, which alone
 * entitles it to take that disk out again. Survives power loss.
 */
export interface PersistedDisk {
  readonly key: VolumeKey
  readonly domainUuid: string
  /** `intended` is written before the definition is changed, `done` after. */
  readonly state: 'intended' | 'done'
  readonly disk: ExpectedDisk
  readonly format: ImageFormat
  /** `fingerprint()` of the wish behind it. */
  readonly fingerprint: string
  readonly origin: Origin['kind']
}
