import { HotplugError } from '../../../errors.ts'
import type { BlockIdentity, FileIdentity } from '../../../model/source.ts'
import { addon } from '../binding.ts'
import type { KnownPods } from './known-pods.ts'
import { entryName, type LauncherHandle } from './launcher-handle.ts'
import { launcherGone, refusalIn } from './launcher-refusals.ts'
import type { LauncherRules } from './launcher-rules.ts'
import type { LauncherDirectory } from './pod-binding.ts'
import type { LauncherView, PodViews } from './pod-views.ts'

type BlockHandle = LauncherHandle & { readonly identity: BlockIdentity }
type FileHandle = LauncherHandle & { readonly identity: FileIdentity }

export interface LauncherActsOptions {
  readonly podsDirectory: string
  readonly views: PodViews
  readonly known: KnownPods
  readonly sysfs: string
  readonly rules: LauncherRules
}

/** The single acts behind exposures in launchers. Throws HotplugErrors, and SystemFailures of the calls that failed. */
export class LauncherActs {
  readonly #options: LauncherActsOptions

  constructor(options: LauncherActsOptions) {
    this.#options = options
  }

  /** Makes node and device rule, or the mount. Done already, nothing is done again. */
  expose(handle: LauncherHandle): Promise<void> {
    return isBlock(handle) ? this.#exposeDevice(handle) : this.#exposeImage(handle as FileHandle)
  }

  async #launcher(handle: LauncherHandle): Promise<LauncherView> {
    const launcher = await this.#options.known.launcher(handle.launcher)
    if (launcher === null) throw launcherGone(handle)
    return launcher
  }

  async #exposeDevice(handle: BlockHandle): Promise<void> {
    const { device, diskseq } = handle.identity
    const launcher = await this.#launcher(handle)
    const disk = { diskseq, sysfs: this.#options.sysfs, ...launcher.owner }
    const expose = (replaced: string | null): ReturnType<typeof addon.exposeDevice> => addon.exposeDevice(this.#directory(handle), entryName(handle), device, disk, replaced)
    let made = await expose(null)
    if (made.kind === 'other' && !(await this.#isOpen(handle, made.what))) made = await expose(made.what)
    if (made.kind !== 'done') throw refusalIn(handle, made)
    if (handle.ownRule) await this.#options.rules.grant(handle.launcher, launcher.cgroups, device)
  }

  async #exposeImage(handle: FileHandle): Promise<void> {
    const [launcher, volume] = await Promise.all([this.#launcher(handle), this.#options.known.attachedVolume(handle.attachment, handle.volume)])
    if (volume === null) throw new HotplugError('SourceChanged', `volume ${handle.volume} is not mounted in its attachment pod any more`, { detail: { pod: handle.attachment } })
    const { filesystem, inode } = handle.identity
    const image = { name: entryName(handle), filesystem, inode, ...launcher.owner }
    const made = await addon.exposeImage(volume, launcher.place, this.#directory(handle), image)
    if (made.kind !== 'done') throw refusalIn(handle, made)
  }

  /** Takes back what the handle names. Done already, or with the launcher gone, that is fine. */
  async release(handle: LauncherHandle): Promise<void> {
    const launcher = await this.#options.known.launcher(handle.launcher)
    return isBlock(handle) ? this.#releaseDevice(handle, launcher) : this.#releaseImage(handle as FileHandle, launcher)
  }

  async #releaseDevice(handle: BlockHandle, launcher: LauncherView | null): Promise<void> {
    const { device } = handle.identity
    const taken = await addon.withdrawDevice(this.#directory(handle), entryName(handle), device)
    if (taken.kind !== 'done') throw refusalIn(handle, taken)
    if (taken.isElsewhere || !handle.ownRule) return
    await this.#options.rules.revoke(handle.launcher, launcher?.cgroups ?? null, device)
  }

  async #releaseImage(handle: FileHandle, launcher: LauncherView | null): Promise<void> {
    const { filesystem, inode } = handle.identity
    const taken = await addon.withdrawImage(launcher?.place ?? null, this.#directory(handle), { name: entryName(handle), filesystem, inode })
    if (taken.kind !== 'done') throw refusalIn(handle, taken)
  }

  /** Whether some process of the launcher has a device open: then its node is no leftover. */
  async #isOpen({ launcher }: LauncherHandle, device: string): Promise<boolean> {
    const view = await this.#options.views.launcher(launcher)
    const answers = (view?.processes ?? []).map(({ proc, pid, startTime }) => addon.processHoldsOpen(proc, pid, startTime, true, device, '0'))
    return (await Promise.all(answers)).includes(true)
  }

  #directory({ launcher }: LauncherHandle): LauncherDirectory {
    return { podsDirectory: this.#options.podsDirectory, podUid: launcher }
  }
}

export function isBlock(handle: LauncherHandle): handle is BlockHandle {
  return handle.identity.kind === 'block'
}
