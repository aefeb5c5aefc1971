import type { Footprint } from '../../../model/source.ts'

/** A process proven to be of a pod. The acts prove it again: ESRCH once it ended or left its control group. */
export interface ProcessOfPod {
  readonly proc: string
  readonly pid: number
  readonly startTime: string
  /** Directory of its control group. */
  readonly cgroup: string
}

/** A mount in a container. ESTALE once something else is mounted there. */
export interface PlaceInPod {
  readonly process: ProcessOfPod
  readonly mountPoint: string
  readonly mountId: number
}

export interface DescribedProcess {
  readonly pid: number
  readonly startTime: string
  readonly cgroup: string
  readonly name: string
  /** Of its access to files; null but for QEMU's processes. */
  readonly user: number | null
  readonly group: number | null
  /** Null but for the oldest process of each mount namespace. */
  readonly mountinfo: string | null
}

export interface DescribedPod {
  /** Of its control group. */
  readonly version: 1 | 2
  /** The pod's control group. */
  readonly directory: string
  /** The oldest first. */
  readonly processes: readonly DescribedProcess[]
}

/** What was found in place of what was looked for; `path` is relative to where the look began, `target` where a link points. */
export interface Refused {
  readonly kind: 'missing' | 'gone' | 'unsafe' | 'noDevice' | 'empty' | 'changed' | 'other'
  readonly path: string
  readonly what: string
  readonly target: string
}

export interface PodBlock {
  readonly kind: 'block'
  readonly device: string
  readonly diskseq: string | null
  readonly sizeBytes: number
  readonly footprint: Footprint
  /** Devices that the kubelet gave to the pod, as far as that can be told. */
  readonly kubeletDevices: readonly string[]
}

export interface PodFile {
  readonly kind: 'file'
  readonly filesystem: string
  readonly inode: string
  readonly sizeBytes: number
  readonly footprint: Footprint
}

export interface ExposedNow {
  readonly what: string
  readonly device: string
  readonly diskseq: string | null
  readonly filesystem: string
  readonly inode: string
  readonly sizeBytes: number
}

/** The directory of a launcher that volumes are exposed in. */
export interface LauncherDirectory {
  readonly podsDirectory: string
  readonly podUid: string
}

export interface FileOwner {
  readonly user: number
  readonly group: number
}

export interface ImageNumber {
  /** In the launcher's directory. */
  readonly name: string
  readonly filesystem: string
  readonly inode: string
}

export type LauncherSocketFound =
  | { readonly kind: 'found'; readonly fd: number; readonly pid: number; readonly path: string; readonly id: string }
  | { readonly kind: 'none'; readonly found: readonly { readonly path: string; readonly what: string }[] }

interface Done {
  readonly kind: 'done'
}

/** The part of the addon that acts on pods; all of it on threads of the addon's own. See native/linux for each act. */
export interface PodAddon {
  processesOfPod(proc: string, cgroupRoot: string, podUid: string): Promise<number[]>
  describePod(proc: string, cgroupRoot: string, podUid: string): Promise<DescribedPod | null>
  lookUpPodDevice(podsDirectory: string, podUid: string, volume: string, claimUid: string | null, roots: { readonly proc: string; readonly sysfs: string }): Promise<PodBlock | Refused>
  lookUpPodImage(volume: PlaceInPod, name: string): Promise<PodFile | Refused>
  identifyExposed(launcher: PlaceInPod, directory: LauncherDirectory, name: string, sysfs: string): Promise<ExposedNow | null>
  /** Of images by their names in the launcher's directory. Null: another file is there, or none; undefined: it might have to wait for a server. */
  sizesInLauncher(launcher: PlaceInPod, directory: LauncherDirectory, images: readonly ImageNumber[]): Promise<(number | null | undefined)[]>
  exposeDevice(directory: LauncherDirectory, name: string, device: string, disk: FileOwner & { readonly diskseq: string | null; readonly sysfs: string }, replaced: string | null): Promise<Done | Refused>
  withdrawDevice(directory: LauncherDirectory, name: string, device: string): Promise<(Done & { readonly isElsewhere: boolean }) | Refused>
  exposeImage(volume: PlaceInPod, launcher: PlaceInPod, directory: LauncherDirectory, image: ImageNumber & FileOwner): Promise<Done | Refused>
  withdrawImage(launcher: PlaceInPod | null, directory: LauncherDirectory, image: ImageNumber): Promise<Done | Refused>
  /** Of control groups of version 2. */
  changeDeviceRules(cgroups: readonly string[], granted: readonly string[], revoked: readonly string[]): Promise<{ readonly changed: number; readonly programs: number[] }>
  attachedDevicePrograms(cgroups: readonly string[]): Promise<number[]>
  openLauncherSocket(process: ProcessOfPod, names: readonly string[]): Promise<LauncherSocketFound>
  /** Of paths as the process sees them. */
  footprintsInPod(process: ProcessOfPod, paths: readonly string[], sysfs: string): Promise<(Footprint | null)[]>
}
