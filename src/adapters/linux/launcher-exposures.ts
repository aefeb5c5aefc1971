import { join } from 'node:path'
import { HotplugError, type Reason } from '../../errors.ts'
import type { VmKey } from '../../model/ids.ts'
import type { Exposure } from '../../model/record.ts'
import { describeIdentity, sameIdentity, type BlockIdentity, type FileIdentity } from '../../model/source.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Exposures } from '../../ports/host.ts'
import type { Pods } from '../../ports/pods.ts'
import { systemClock } from '../system-clock.ts'
import { addon } from './binding.ts'
import { ExposedView } from './exposed-view.ts'
import { KnownLaunchers } from './known-launchers.ts'
import { entryName, exposedPath, launcherHandle, readHandle, writeHandle, type LauncherHandle } from './launcher-handle.ts'
import { LauncherRules } from './launcher-rules.ts'
import type { LauncherDirectory, Refused } from './pod-binding.ts'
import { isOutdated, PodViews, type LauncherView, type NodeRoots } from './pod-views.ts'
import { failed, isSystemFailure } from './system-failure.ts'

export interface LauncherExposuresOptions extends NodeRoots {
  readonly pods: Pick<Pods, 'launcher'>
  /** The kubelet's directory, as the agent sees it. */
  readonly kubeletDir: string
  /** @default '/sys' */
  readonly sysfs?: string
  readonly clock?: Clock
  /** Device rules of a launcher were taken away behind the agent's back and are there again. */
  readonly onRulesRestored?: (launcherUid: string, rules: number) => void
  readonly onRulesUnreadable?: (launcherUid: string, error: unknown) => void
  /** How often device rules are looked after. @default 2_000 */
  readonly rulePeriodMs?: number
}

export interface LauncherExposures extends Exposures {
  /** Looks after the device rule of an exposure that an earlier run of the agent made. */
  adopt(exposure: Exposure): void
  close(): void
}

type BlockHandle = LauncherHandle & { readonly identity: BlockIdentity }
type FileHandle = LauncherHandle & { readonly identity: FileIdentity }

const ATTEMPTS = 3
const DOING = { ExposureFailed: 'expose', ReleaseFailed: 'take back' } as const

/**
 * Exposures inside launchers: a device node in the pod's directory for hot-plugged volumes with a device rule, or a bind
 * mount of the image in the launcher's own mount namespace. Nothing else is ever changed (invariant I4), and `release` takes
 * back what its handle names and nothing else. Throws HotplugError `LauncherNotFound`, `SourceChanged`, `UnsafePath`,
 * `ExposureFailed`, `ReleaseFailed`.
 */
export function createLauncherExposures(options: LauncherExposuresOptions): LauncherExposures {
  return new InLaunchers(options)
}

class InLaunchers implements LauncherExposures {
  readonly #pods: LauncherExposuresOptions['pods']
  readonly #podsDirectory: string
  readonly #views: PodViews
  readonly #launchers: KnownLaunchers
  readonly #exposed: ExposedView
  readonly #rules: LauncherRules

  constructor(options: LauncherExposuresOptions) {
    const { pods, kubeletDir, sysfs = '/sys', clock = systemClock, rulePeriodMs: periodMs } = options
    const { onRulesRestored: onRestored = ignore, onRulesUnreadable: onError = ignore } = options
    this.#pods = pods
    this.#podsDirectory = join(kubeletDir, 'pods')
    this.#views = new PodViews(options)
    this.#launchers = new KnownLaunchers(this.#views)
    this.#exposed = new ExposedView({ launchers: this.#launchers, podsDirectory: this.#podsDirectory, sysfs })
    this.#rules = new LauncherRules({ views: this.#views, clock, onRestored, onError, periodMs })
  }

  plan(_volume: unknown, { handle }: { readonly handle?: Exposure['handle'] }): Exposure {
    const read = launcherHandle(handle)
    return { path: exposedPath(read), kind: read.identity.kind, handle: writeHandle(read) }
  }

  async expose(vm: VmKey, exposure: Exposure): Promise<void> {
    const handle = launcherHandle(exposure.handle)
    if (this.#pods.launcher(vm)?.uid !== handle.launcher) throw launcherGone(handle)
    await this.#attempt('ExposureFailed', handle, () => this.#expose(handle))
    const now = await this.#exposed.identify(handle)
    if (now !== null && sameIdentity(now, handle.identity)) return
    const found = now === null ? 'nothing' : describeIdentity(now)
    const message = `${exposure.path} leads to ${found} in the launcher, not to ${describeIdentity(handle.identity)}`
    throw new HotplugError('SourceChanged', message, { detail: { path: exposure.path } })
  }

  async release(_vm: VmKey, exposure: Exposure): Promise<void> {
    const handle = launcherHandle(exposure.handle)
    await this.#attempt('ReleaseFailed', handle, () => this.#release(handle))
  }

  adopt({ handle }: Exposure): void {
    const read = readHandle(handle)
    if (read !== null && isBlock(read)) this.#rules.lookAfter(read.launcher, read.identity.device)
  }

  close(): void {
    this.#rules.close()
  }

  /** Containers come and go; what was seen of one that ended is looked at anew. */
  async #attempt(reason: Reason & keyof typeof DOING, handle: LauncherHandle, act: () => Promise<void>): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await act()
      } catch (error) {
        if (!isOutdated(error) || attempt === ATTEMPTS) throw isSystemFailure(error) ? failed(reason, `${DOING[reason]} ${exposedPath(handle)}`, error) : error
        this.#launchers.forget(handle.launcher)
      }
    }
  }

  #expose(handle: LauncherHandle): Promise<void> {
    return isBlock(handle) ? this.#exposeDevice(handle) : this.#exposeImage(handle as FileHandle)
  }

  async #launcher(handle: LauncherHandle): Promise<LauncherView> {
    const launcher = await this.#launchers.view(handle.launcher)
    if (launcher === null) throw launcherGone(handle)
    return launcher
  }

  async #exposeDevice(handle: BlockHandle): Promise<void> {
    const { device } = handle.identity
    const launcher = await this.#launcher(handle)
    const name = entryName(handle)
    const directory = this.#directory(handle)
    let made = await addon.exposeDevice(directory, name, device, launcher.owner, null)
    if (made.kind === 'other' && !(await this.#isOpen(handle, made.what))) made = await addon.exposeDevice(directory, name, device, launcher.owner, made.what)
    if (made.kind !== 'done') throw refusal(handle, made)
    if (handle.ownRule) await this.#rules.grant(handle.launcher, launcher.cgroups, device)
  }

  async #exposeImage(handle: FileHandle): Promise<void> {
    const [launcher, volume] = await Promise.all([this.#launcher(handle), this.#views.attachedVolume(handle.attachment, handle.volume)])
    if (volume === null) throw new HotplugError('SourceChanged', `volume ${handle.volume} is not mounted in its attachment pod any more`, { detail: { pod: handle.attachment } })
    const { filesystem, inode } = handle.identity
    const image = { name: entryName(handle), filesystem, inode, ...launcher.owner }
    const made = await addon.exposeImage(volume, launcher.place, this.#directory(handle), image)
    if (made.kind !== 'done') throw refusal(handle, made)
  }

  async #release(handle: LauncherHandle): Promise<void> {
    const launcher = await this.#launchers.view(handle.launcher)
    return isBlock(handle) ? this.#releaseDevice(handle, launcher) : this.#releaseImage(handle as FileHandle, launcher)
  }

  async #releaseDevice(handle: BlockHandle, launcher: LauncherView | null): Promise<void> {
    const { device } = handle.identity
    const taken = await addon.withdrawDevice(this.#directory(handle), entryName(handle), device)
    if (taken.kind !== 'done') throw refusal(handle, taken)
    if (taken.isElsewhere || !handle.ownRule) return
    await this.#rules.revoke(handle.launcher, launcher?.cgroups ?? null, device)
  }

  async #releaseImage(handle: FileHandle, launcher: LauncherView | null): Promise<void> {
    const { filesystem, inode } = handle.identity
    const taken = await addon.withdrawImage(launcher?.place ?? null, this.#directory(handle), { name: entryName(handle), filesystem, inode })
    if (taken.kind !== 'done') throw refusal(handle, taken)
  }

  /** Whether some process of the launcher has a device open: then its node is no leftover. */
  async #isOpen({ launcher }: LauncherHandle, device: string): Promise<boolean> {
    const view = await this.#views.launcher(launcher)
    const answers = (view?.processes ?? []).map(({ proc, pid, startTime }) => addon.processHoldsOpen(proc, pid, startTime, true, device, '0'))
    return (await Promise.all(answers)).includes(true)
  }

  #directory({ launcher }: LauncherHandle): LauncherDirectory {
    return { podsDirectory: this.#podsDirectory, podUid: launcher }
  }
}

function ignore(): void {}

function isBlock(handle: LauncherHandle): handle is BlockHandle {
  return handle.identity.kind === 'block'
}

function launcherGone({ launcher, volume }: LauncherHandle): HotplugError {
  return new HotplugError('LauncherNotFound', `no container of launcher pod ${launcher} runs here to expose volume ${volume} in`, { detail: { pod: launcher } })
}

function refusal(handle: LauncherHandle, { kind, path, what, target }: Refused): HotplugError {
  const entry = exposedPath(handle)
  const detail = { path: entry, pod: handle.launcher, what }
  switch (kind) {
    case 'gone':
      return new HotplugError('LauncherNotFound', `the directory of launcher pod ${handle.launcher} for hot-plugged volumes is gone`, { detail })
    case 'changed':
    case 'missing':
    case 'empty':
    case 'noDevice':
      return new HotplugError('SourceChanged', `what was looked up for ${entry} is another file or device by now (${path}: ${what})`, { detail })
    case 'other':
      return new HotplugError('ExposureFailed', `${entry} is taken by something else: ${what}`, { remedy: 'Find out who put it there; nothing that the agent did not make is taken away.', detail })
    case 'unsafe':
    default:
      return new HotplugError('UnsafePath', `${path} in launcher pod ${handle.launcher} is a ${what}${target === '' ? '' : ` to ${target}`}`, { detail })
  }
}
