import type { VolumeKey } from './ids.ts'
import type { DriveAddress } from './disk.ts'
import type { Footprint, SourceIdentity } from './source.ts'
import type { ProcessRef } from './domain.ts'
import type { JournalStep } from './steps.ts'

/**
 * What the agent made of a source so that the domain can open it. `path` is the path in the domain's own view.
 * `handle` belongs to the adapter that made it and is kept in the journal so that it can be undone after a crash.
 */
export interface Exposure {
  readonly path: string
  readonly kind: 'block' | 'file'
  readonly handle: Readonly<Record<string, string | number | boolean | null>>
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
  readonly persisted: boolean
}
