import type { VmKey } from './ids.ts'

/** How the bytes of an image are to be read. Said by the user, never guessed from the bytes. */
export type ImageFormat = 'raw' | 'qcow2'

/** Where a volume's bytes are to be found, as the user named it. One member for each kind of source a mode knows. */
export type SourceSpec = LocalSource | ClaimSource

/** What a source is called, for people: the path as the user gave it, or the claim. */
export function sourceName(source: SourceSpec): string {
  return source.kind === 'local' ? source.path : `claim ${source.claim}`
}

/** A block device, an image file, or a directory that holds `disk.img`, on this host. */
export interface LocalSource {
  readonly kind: 'local'
  /** Absolute path as the user gave it. */
  readonly path: string
  readonly format: ImageFormat
}

/**
 * A PersistentVolumeClaim that attachment pods of the VM hold on this node. Which pod, is no part of the wish: pods are
 * replaced under a plugged volume.
 */
export interface ClaimSource {
  readonly kind: 'claim'
  readonly vm: VmKey
  readonly volume: string
  readonly claim: string
  /** KubeVirt knows raw alone. */
  readonly format: 'raw'
}

/**
 * What a source *is*, as opposed to what it is called (invariant I2).
 * Numbers are decimal strings, since inode numbers and diskseq exceed 2^53.
 */
export type SourceIdentity = BlockIdentity | FileIdentity

/** A block device: its number, and the kernel's sequence number of the disk behind that number. */
export interface BlockIdentity {
  readonly kind: 'block'
  /** `MAJOR:MINOR` in decimal. */
  readonly device: string
  /** /sys/dev/block/MAJ:MIN/diskseq (of the whole disk for a partition); null where the kernel has none. */
  readonly diskseq: string | null
}

/** A regular file. */
export interface FileIdentity {
  readonly kind: 'file'
  /** st_dev as `MAJOR:MINOR` in decimal. */
  readonly filesystem: string
  readonly inode: string
}

/**
 * The devices and inodes that a source stands on (invariant I1), as keys `b:MAJ:MIN` and `i:MAJ:MIN:INODE`.
 * Two sources overlap if one's `same` meets the other's `same` or `below`; meeting in `below` alone is no overlap
 * (two partitions of a disk, two logical volumes of a group).
 */
export interface Footprint {
  /** The source itself under all its names: a loop device and its backing file are the same. */
  readonly same: readonly string[]
  /** What it is a part of: the parent disk of a partition, the slaves of a device-mapper or RAID device. */
  readonly below: readonly string[]
}

/** A source that was looked up and may be plugged. */
export interface ResolvedSource {
  /** The path that the hypervisor opens; links are resolved. */
  readonly path: string
  readonly identity: SourceIdentity
  readonly footprint: Footprint
  /** Bytes of the device or file now; for qcow2 what its header says, since the length of the file is not the guest's size. */
  readonly sizeBytes: number
  readonly format: ImageFormat
  /** Belongs to the adapter that looked it up, and is for the one that exposes it. */
  readonly handle?: Handle
}

/** Facts that an adapter keeps for itself, also over a restart of the agent; the engine never looks into them. */
export type Handle = Readonly<Record<string, string | number | boolean | null>>

/** Whether two identities name the same device or inode. */
export function sameIdentity(a: SourceIdentity, b: SourceIdentity): boolean {
  if (a.kind === 'block') return b.kind === 'block' && a.device === b.device && a.diskseq === b.diskseq
  return b.kind === 'file' && a.filesystem === b.filesystem && a.inode === b.inode
}

/** An identity for people: `block device 7:3 (disk 41)`, `file 8:1 inode 1234`. */
export function describeIdentity(identity: SourceIdentity): string {
  if (identity.kind === 'file') return `file ${identity.filesystem} inode ${identity.inode}`
  return `block device ${identity.device}${identity.diskseq === null ? '' : ` (disk ${identity.diskseq})`}`
}
