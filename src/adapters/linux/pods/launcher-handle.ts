import { checkPodUid } from '../../../core/node/pod-uid.ts'
import { checkVolumeName } from '../../../core/disk/volume-name.ts'
import { HotplugError } from '../../../errors.ts'
import type { Handle, SourceIdentity } from '../../../model/source.ts'

/** What must be known to make an exposure in a launcher and, from the journal alone, to take it back. */
export interface LauncherHandle {
  /** UID of the launcher pod. */
  readonly launcher: string
  /** UID of the attachment pod in which the source was found. */
  readonly attachment: string
  readonly volume: string
  /** The device rule was not there before, so it goes with the exposure. */
  readonly ownRule: boolean
  readonly identity: SourceIdentity
}

/** As plain JSON. */
export function writeHandle({ launcher, attachment, volume, ownRule, identity }: LauncherHandle): Handle {
  if (identity.kind === 'block') return { launcher, attachment, volume, ownRule, device: identity.device, diskseq: identity.diskseq }
  return { launcher, attachment, volume, ownRule, filesystem: identity.filesystem, inode: identity.inode }
}

/** Null for a handle of another adapter. Throws HotplugError `UnsafePath`, `InvalidName` for parts that no path may hold. */
export function readHandle(handle: Handle | undefined): LauncherHandle | null {
  const { launcher, attachment, volume, ownRule } = handle ?? {}
  const identity = readIdentity(handle ?? {})
  if (typeof launcher !== 'string' || typeof attachment !== 'string' || typeof volume !== 'string' || identity === null) return null
  checkPodUid(launcher)
  checkPodUid(attachment)
  const invalid = checkVolumeName(volume)
  if (invalid !== null) throw invalid
  return { launcher, attachment, volume, ownRule: ownRule === true, identity }
}

function readIdentity({ device, diskseq, filesystem, inode }: Handle): SourceIdentity | null {
  if (typeof device === 'string') return { kind: 'block', device, diskseq: typeof diskseq === 'string' ? diskseq : null }
  if (typeof filesystem === 'string' && typeof inode === 'string') return { kind: 'file', filesystem, inode }
  return null
}

/** The handle of an exposure that must be one in a launcher. Throws HotplugError `InternalError`. */
export function launcherHandle(handle: Handle | undefined): LauncherHandle {
  const read = readHandle(handle)
  if (read === null) throw new HotplugError('InternalError', 'an exposure of another mode was found in the journal')
  return read
}

/** The entry of the launcher's directory. */
export function entryName({ volume, identity }: Pick<LauncherHandle, 'volume' | 'identity'>): string {
  return identity.kind === 'block' ? volume : `${volume}.img`
}

/** Where the domain finds it. */
export function exposedPath(handle: Pick<LauncherHandle, 'volume' | 'identity'>): string {
  return `/var/run/kubevirt/hotplug-disks/${entryName(handle)}`
}
