import { containerCgroups } from '../../../core/node/container-cgroups.ts'
import { emptyDirMount, mountAt, parseMountinfo, type Mount } from '../../../core/node/mountinfo.ts'
import { checkPodUid } from '../../../core/node/pod-uid.ts'
import { addon } from '../binding.ts'
import type { DescribedPod, DescribedProcess, FileOwner, PlaceInPod, ProcessOfPod } from './pod-binding.ts'
import { failed, isSystemFailure } from '../system-failure.ts'

/** Where the node's file systems are, as the agent sees them. */
export interface NodeRoots {
  /** Where control groups are mounted. @default '/sys/fs/cgroup' */
  readonly cgroupRoot?: string
  /** @default '/proc' */
  readonly proc?: string
}

/** The container of a launcher in which libvirt and QEMU run. */
export interface LauncherView {
  /** Its directory for hot-plugged volumes. */
  readonly place: PlaceInPod
  /** Whom QEMU's files must belong to. */
  readonly owner: FileOwner
  /** It runs already, and so the owner is its own. */
  readonly hasQemu: boolean
  readonly cgroups: ContainerCgroups
  readonly processes: readonly ProcessOfPod[]
}

export interface ContainerCgroups {
  readonly version: 1 | 2
  /** Parents first. */
  readonly directories: readonly string[]
}

const LAUNCHER_PLACES = ['/var/run/kubevirt/hotplug-disks', '/run/kubevirt/hotplug-disks']
const ATTACHMENT_PLACES = ['/path']
/** What every container has mounted; a claim whose volume has such a name is not found there. */
const OF_THE_CONTAINER = ['path', 'proc', 'dev', 'sys']
const HOTPLUG_DISKS = 'hotplug-disks'

/** KubeVirt's user and group for QEMU, where none runs yet. */
const QEMU: FileOwner = { user: 107, group: 107 }

/**
 * What runs in pods and what they have mounted, found by the pods' control groups and never by what a tenant could make.
 * All acts throw HotplugError `UnsafePath` for a UID that is none, `SourceUnreadable`.
 */
export class PodViews {
  readonly #cgroupRoot: string
  readonly #proc: string

  constructor({ cgroupRoot = '/sys/fs/cgroup', proc = '/proc' }: NodeRoots = {}) {
    this.#cgroupRoot = cgroupRoot
    this.#proc = proc
  }

  /** Pids of all processes of the pod; none if it has no control group. */
  async pids(podUid: string): Promise<readonly number[]> {
    checkPodUid(podUid)
    return addon.processesOfPod(this.#proc, this.#cgroupRoot, podUid).catch((error: unknown) => {
      throw failed('SourceUnreadable', `see what runs in pod ${podUid}`, error)
    })
  }

  /** Null while no container of the pod has that directory mounted. */
  async launcher(podUid: string): Promise<LauncherView | null> {
    const pod = await this.#describe(podUid)
    const found = pod === null ? null : this.#findPlace(pod, (mounts) => emptyDirMount(mounts, podUid, HOTPLUG_DISKS, LAUNCHER_PLACES))
    if (pod === null || found === null) return null
    const owner = qemuOwner(pod)
    return { place: found, owner: owner ?? QEMU, hasQemu: owner !== null, cgroups: cgroupsOf(pod, found), processes: pod.processes.map((process) => this.#ref(process)) }
  }

  /** Where a claim is mounted in an attachment pod; null if it is not, be it that the container does not run. */
  async attachedVolume(podUid: string, volume: string): Promise<PlaceInPod | null> {
    const pod = await this.#describe(podUid)
    if (pod === null || OF_THE_CONTAINER.includes(volume)) return null
    return this.#findPlace(pod, (mounts) => {
      const isAttachment = emptyDirMount(mounts, podUid, HOTPLUG_DISKS, ATTACHMENT_PLACES) !== null
      return isAttachment ? mountAt(mounts, `/${volume}`) : null
    })
  }

  async #describe(podUid: string): Promise<DescribedPod | null> {
    checkPodUid(podUid)
    return addon.describePod(this.#proc, this.#cgroupRoot, podUid).catch((error: unknown) => {
      throw failed('SourceUnreadable', `see what runs in pod ${podUid}`, error)
    })
  }

  /** By the oldest process that has it: the container's own, not one that made itself a mount namespace later. */
  #findPlace(pod: DescribedPod, choose: (mounts: readonly Mount[]) => Mount | null): PlaceInPod | null {
    for (const process of pod.processes) {
      const mount = process.mountinfo === null ? null : choose(parseMountinfo(process.mountinfo))
      if (mount !== null) return { process: this.#ref(process), mountPoint: mount.at, mountId: mount.id }
    }
    return null
  }

  #ref({ pid, startTime, cgroup }: DescribedProcess): ProcessOfPod {
    return { proc: this.#proc, pid, startTime, cgroup }
  }
}

/** Whether what was seen of the pod is not true any more, so that it has to be looked at anew. */
export function isOutdated(error: unknown): boolean {
  return isSystemFailure(error) && (error.code === 'ESRCH' || error.code === 'ESTALE')
}

function qemuOwner({ processes }: DescribedPod): FileOwner | null {
  for (const { user, group } of processes) if (user !== null && group !== null) return { user, group }
  return null
}

function cgroupsOf({ version, directory, processes }: DescribedPod, { process }: PlaceInPod): ContainerCgroups {
  const directories = containerCgroups(directory, process.cgroup, processes.map(({ cgroup }) => cgroup))
  return { version, directories }
}
