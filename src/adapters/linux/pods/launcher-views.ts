import { watch } from 'node:fs'
import { lstat, readFile } from 'node:fs/promises'
import { emptyDirMount, parseMountinfo, type Mount } from '../../../core/node/mountinfo.ts'
import { checkPodUid } from '../../../core/node/pod-uid.ts'
import { checkVolumeName } from '../../../core/disk/volume-name.ts'
import type { LauncherViews } from '../../../ports/launcher-views.ts'

export interface LauncherViewsOptions {
  /** @example '/var/lib/kubelet' */
  readonly kubeletDir: string
  /** Processes in the pod's control group. */
  readonly processes: (podUid: string) => Promise<readonly number[]>
  /** @default '/proc' */
  readonly proc?: string
}

const HOTPLUG_DISKS = 'hotplug-disks'
const PLACES = ['/var/run/kubevirt/hotplug-disks', '/run/kubevirt/hotplug-disks']

/**
 * Looks at what launchers have of hot-plugged volumes: a device node by its directory entry, an image by the mount on it,
 * as a process of the pod sees it. Opens nothing of the pod's, follows no link. A file beside which nothing is mounted is
 * a leftover and counts for nothing.
 */
export function createLauncherViews(options: LauncherViewsOptions): LauncherViews {
  return new LauncherDirectories(options)
}

class LauncherDirectories implements LauncherViews {
  readonly #options: LauncherViewsOptions

  constructor(options: LauncherViewsOptions) {
    this.#options = options
  }

  async exposed(podUid: string, volumes: readonly string[]): Promise<ReadonlySet<string> | null> {
    const names = volumes.filter((name) => checkVolumeName(name) === null)
    const mounts = await this.#mounts(podUid)
    if (mounts === null) return null
    const nodes = await Promise.all(names.map((name) => this.#isNode(podUid, name)))
    return new Set(names.filter((name, index) => nodes[index] === true || mounts.has(name)))
  }

  watch(podUid: string, listener: () => void): () => void {
    try {
      const watcher = watch(this.#directory(podUid), { persistent: false }, () => listener())
      watcher.on('error', () => watcher.close())
      return () => watcher.close()
    } catch {
      return () => {} // no such directory (yet), or no watches left: it is looked at from time to time all the same
    }
  }

  #directory(podUid: string): string {
    checkPodUid(podUid)
    return `${this.#options.kubeletDir}/pods/${podUid}/volumes/kubernetes.io~empty-dir/${HOTPLUG_DISKS}`
  }

  async #isNode(podUid: string, name: string): Promise<boolean> {
    const found = await lstat(`${this.#directory(podUid)}/${name}`).catch(() => null)
    return found?.isBlockDevice() === true
  }

  /** Volumes on whose image something is mounted; null if no process of the pod shows its directory. */
  async #mounts(podUid: string): Promise<ReadonlySet<string> | null> {
    for (const pid of await this.#options.processes(podUid)) {
      const text = await readFile(`${this.#options.proc ?? '/proc'}/${pid}/mountinfo`, 'utf8').catch(() => '')
      const mounts = parseMountinfo(text)
      const directory = emptyDirMount(mounts, podUid, HOTPLUG_DISKS, PLACES)
      if (directory !== null) return imagesBelow(mounts, directory.at)
    }
    return null
  }
}

function imagesBelow(mounts: readonly Mount[], directory: string): Set<string> {
  const images = mounts.filter(({ at }) => at.startsWith(`${directory}/`) && at.endsWith('.img'))
  return new Set(images.map(({ at }) => at.slice(directory.length + 1, -'.img'.length)))
}
