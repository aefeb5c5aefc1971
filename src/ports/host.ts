import type { VmKey } from '../model/ids.ts'
import type { ProcessRef } from '../model/domain.ts'
import type { Exposure } from '../model/record.ts'
import type { Footprint, Handle, ResolvedSource, SourceIdentity, SourceSpec } from '../model/source.ts'

/** Where a volume's bytes are, and what they are. Nothing here changes anything. */
export interface Sources {
  /**
   * Looks the source up and makes sure it can be plugged: exists, of the right kind, not empty, not used by the host.
   * Links in a path given by an authorised user are followed once; below a directory source nothing is followed.
   * Throws HotplugError with the reason (SourceMissing, UnsafePath, SourceInUseByHost, …) and the evidence.
   */
  resolve(source: SourceSpec, signal?: AbortSignal): Promise<ResolvedSource>
  /** What the exposed path leads to now; null if nothing is there. Follows no link in the last component. */
  identify(exposure: Exposure): Promise<SourceIdentity | null>
  /** Footprints of paths that other disks of the VM use, as it sees them, in the same order; null where nothing usable is there. */
  footprints(paths: readonly string[], vm: VmKey): Promise<readonly (Footprint | null)[]>
  /** Sizes in bytes now, one system call each, no thread pool; null where gone or not the same device or inode any more. */
  sizes(sources: readonly SizeQuestion[]): readonly (number | null)[]
}

/** What an exposure is asked about: the size of the very thing that was exposed. */
export interface SizeQuestion {
  readonly path: string
  readonly identity: SourceIdentity
  /** The exposure's own. */
  readonly handle?: Handle
}

/** What the agent makes of a source inside the VM's reach, and takes back. Both are idempotent. */
export interface Exposures {
  /** What `expose` would make, without making it, so that it can be journalled first. */
  plan(source: ResolvedSource): Exposure
  expose(vm: VmKey, exposure: Exposure, source: ResolvedSource): Promise<void>
  /** Takes the exposure back. Only ever called after the source was proven released (invariant I3). */
  release(vm: VmKey, exposure: Exposure): Promise<void>
}

/** What can be seen of a QEMU process from outside. */
export interface Processes {
  /** Whether that very process (pid and start time) still runs. */
  alive(process: ProcessRef): Promise<boolean>
  /** Whether one of its file descriptors refers to the device or inode. False if the process is gone. */
  holdsOpen(process: ProcessRef, identity: SourceIdentity): Promise<boolean>
}
