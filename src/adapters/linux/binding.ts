import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { Footprint, SourceIdentity } from '../../model/source.ts'
import type { PodAddon } from './pods/pod-binding.ts'

/** What a path given by a user leads to. `what` is the kind of thing found, `target` where a link points (or ''). */
export type LookedUp =
  | LookedUpBlock
  | LookedUpFile
  | { readonly kind: 'missing'; readonly path: string; readonly component: string; readonly target: string; readonly isNotDirectory: boolean }
  | { readonly kind: 'noImage' | 'noDevice' | 'unsafe' | 'unsupported'; readonly path: string; readonly what: string; readonly target: string }

interface LookedUpImage {
  /** Without links. */
  readonly path: string
  readonly sizeBytes: number
  readonly footprint: Footprint
  /** The first bytes, where they were asked for and could be had. */
  readonly head: Buffer
}

export interface LookedUpBlock extends LookedUpImage {
  readonly kind: 'block'
  /** `MAJOR:MINOR`. */
  readonly device: string
  readonly diskseq: string | null
  /** Errno of opening it exclusively: EBUSY if somebody holds it. */
  readonly refusal: string | null
}

export interface LookedUpFile extends LookedUpImage {
  readonly kind: 'file'
  readonly filesystem: string
  readonly inode: string
}

export interface Identified {
  /** `block device`, `regular file`, `symbolic link`, … */
  readonly what: string
  readonly device: string
  readonly diskseq: string | null
  readonly filesystem: string
  readonly inode: string
}

/** A loop device with a backing file. `isKnown: false`: the kernel did not say which; `backingFile` is only a name. */
export interface BoundLoop {
  readonly device: string
  readonly backingFile: string
  readonly isKnown: boolean
  readonly footprint: Footprint
}

export interface SizeQuestion {
  readonly path: string
  readonly identity: SourceIdentity
}

/** Whom a process on the other end of a unix socket was when it connected. */
export interface PeerCredentials {
  readonly pid: number
  readonly uid: number
  readonly gid: number
  /** Supplementary groups. */
  readonly groups: readonly number[]
}

/**
 * The addon. Whatever returns a promise runs on a thread of the addon's own; errors are SystemFailures. `sysfs` and
 * `proc` are the roots of those file systems.
 */
interface Addon extends PodAddon {
  lookUpSource(path: string, withHead: boolean, sysfs: string): Promise<LookedUp>
  /** Whether somebody holds the device exclusively for longer than an instant. EXDEV: the path is another device now. */
  probeExclusiveUse(path: string, device: string): Promise<boolean>
  identifyNotFollowing(path: string, sysfs: string): Promise<Identified>
  footprintsOfPaths(paths: readonly string[], sysfs: string): Promise<(Footprint | null)[]>
  /** One footprint per device asked for, and all loop devices with a backing file. */
  footprintsOfHost(devices: readonly string[], sysfs: string): Promise<{ readonly devices: Footprint[]; readonly loops: BoundLoop[] }>
  /** Written under the name `aside` in the same directory, fsynced, renamed, directory fsynced. Nothing stays aside after an error. */
  replaceDurably(path: string, aside: string, bytes: Uint8Array, mode: number): Promise<void>
  /** Directory fsynced; an absent file is fine. */
  unlinkDurably(path: string): Promise<void>
  /** Synchronous. Whether a list of the kernel (mountinfo, swaps), open under this descriptor, changed since the last call. */
  kernelListChanged(fd: number): boolean
  /** Synchronous. Null: gone or another one; undefined: its file system might have to wait for a server. */
  sizesWithoutWaiting(questions: readonly SizeQuestion[], sysfs: string): (number | null | undefined)[]
  sizeOfFile(question: SizeQuestion): Promise<number | null>
  isProcessAlive(proc: string, pid: number, startTime: string): Promise<boolean>
  processHoldsOpen(proc: string, pid: number, startTime: string, isBlock: boolean, device: string, inode: string): Promise<boolean>
  /** Synchronous. */
  tryNodeLock(path: string): { readonly fd: number; readonly holder?: undefined } | { readonly holder: number; readonly fd?: undefined }
  /** Cancelled, the promise is rejected with ECANCELED. */
  awaitNodeLock(path: string): { readonly promise: Promise<number>; readonly cancel: () => void }
  /** Synchronous. */
  peerCredentials(fd: number): PeerCredentials
  /** Synchronous. By system call the errno of one that cannot succeed: EBADF where it can be used. Changes nothing. */
  kernelFeatures(): Readonly<Record<string, string>>
  /** Synchronous, never waits. A datagram to a unix socket (@: abstract name); false if its queue is full at the moment. */
  notifyServiceManager(address: string, text: string): boolean
}

/** The one place that loads the addon. Throws where it was not built. */
export const addon: Addon = createRequire(import.meta.url)(
  join(packageRoot(import.meta.dirname), 'native/build/Release/hotplugd_linux.node'),
)

/** The compiled files lie deeper than their sources. */
function packageRoot(directory: string): string {
  return existsSync(join(directory, 'package.json')) ? directory : packageRoot(dirname(directory))
}
