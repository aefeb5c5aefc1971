import { HotplugError } from '../../../errors.ts'
import type { SourceIdentity } from '../../../model/source.ts'
import { addon } from '../binding.ts'
import type { KnownPods } from './known-pods.ts'
import { entryName, exposedPath, type LauncherHandle } from './launcher-handle.ts'
import type { ExposedNow, ImageNumber } from './pod-binding.ts'
import { failed, meansAbsent } from '../system-failure.ts'

export interface ExposedViewOptions {
  readonly known: KnownPods
  readonly podsDirectory: string
  readonly sysfs: string
}

/** What exposed volumes lead to now, as their launchers see it. */
export class ExposedView {
  readonly #options: ExposedViewOptions

  constructor(options: ExposedViewOptions) {
    this.#options = options
  }

  /** Null: nothing is there. Throws HotplugError `UnsafePath`, `SourceUnreadable`. */
  async identify(handle: LauncherHandle): Promise<SourceIdentity | null> {
    const now = await this.look(handle.launcher, entryName(handle))
    if (now === null) return null
    const { what, device, diskseq, filesystem, inode } = now
    if (what === 'block device') return { kind: 'block', device, diskseq }
    if (what === 'regular file') return { kind: 'file', filesystem, inode }
    const path = exposedPath(handle)
    throw new HotplugError('UnsafePath', `${path} in the launcher is a ${what} by now`, { detail: { path, what } })
  }

  /** Whether the volume's entry is a node of that device already. */
  async isNodeOf(launcherUid: string, volume: string, device: string): Promise<boolean> {
    const now = await this.look(launcherUid, volume)
    return now?.what === 'block device' && now.device === device
  }

  /** Of images, in their order; undefined for one that may have to wait for a server. Null: no container of the launcher runs. */
  sizes(launcherUid: string, images: readonly ImageNumber[]): Promise<readonly (number | null | undefined)[] | null> {
    const { known, podsDirectory } = this.#options
    return known.inLauncher(launcherUid, (place) => addon.sizesInLauncher(place, { podsDirectory, podUid: launcherUid }, images))
  }

  /** Null: no such entry, or no container of the launcher runs. */
  async look(launcherUid: string, name: string): Promise<ExposedNow | null> {
    const { known, podsDirectory, sysfs } = this.#options
    try {
      return await known.inLauncher(launcherUid, (place) => addon.identifyExposed(place, { podsDirectory, podUid: launcherUid }, name, sysfs))
    } catch (error) {
      if (error instanceof HotplugError) throw error
      if (meansAbsent(error)) return null
      throw failed('SourceUnreadable', `look at ${name} in launcher ${launcherUid}`, error)
    }
  }
}
