import type { PlaceInPod } from './pod-binding.ts'
import { isOutdated, PodViews, type LauncherView, type NodeRoots } from './pod-views.ts'

const MOST_KEPT = 1_024

/**
 * What was seen of pods, remembered: it stays for the life of a container, and every act proves process and mount again.
 * Whoever finds it outdated says so, and looks again.
 */
export class KnownPods {
  readonly #views: PodViews
  #launchers = new Map<string, LauncherView>()
  #volumes = new Map<string, PlaceInPod>()

  constructor(views: PodViews) {
    this.#views = views
  }

  /** With the owner that its QEMU has; null while no container of it runs. */
  async launcher(podUid: string): Promise<LauncherView | null> {
    const known = this.#launchers.get(podUid)
    return known?.hasQemu === true ? known : this.#lookAtLauncher(podUid)
  }

  /** Where a claim is mounted in an attachment pod; null if it is not. */
  async attachedVolume(podUid: string, volume: string): Promise<PlaceInPod | null> {
    const key = `${podUid} ${volume}`
    const place = this.#volumes.get(key) ?? (await this.#views.attachedVolume(podUid, volume))
    if (place === null) return null
    if (this.#volumes.size > MOST_KEPT) this.#volumes = new Map()
    this.#volumes.set(key, place)
    return place
  }

  /** It turned out not to be true any more. */
  forget(podUid: string, volume = ''): void {
    this.#launchers.delete(podUid)
    this.#volumes.delete(`${podUid} ${volume}`)
  }

  /** What the act says of the launcher's directory; null if no container of it runs. */
  async inLauncher<T>(podUid: string, act: (place: PlaceInPod) => Promise<T>): Promise<T | null> {
    const known = this.#launchers.get(podUid)
    if (known !== undefined) {
      try {
        return await act(known.place)
      } catch (error) {
        if (!isOutdated(error)) throw error
      }
    }
    return this.#inLauncherAnew(podUid, act)
  }

  async #inLauncherAnew<T>(podUid: string, act: (place: PlaceInPod) => Promise<T>): Promise<T | null> {
    const view = await this.#lookAtLauncher(podUid)
    if (view === null) return null
    return act(view.place).catch((error: unknown) => {
      if (isOutdated(error)) return null
      throw error
    })
  }

  async #lookAtLauncher(podUid: string): Promise<LauncherView | null> {
    const view = await this.#views.launcher(podUid)
    if (this.#launchers.size > MOST_KEPT) this.#launchers = new Map()
    if (view === null) this.#launchers.delete(podUid)
    else this.#launchers.set(podUid, view)
    return view
  }
}

const all = new Map<string, KnownPods>()

/** The one for that node, whoever asks. */
export function knownPods({ cgroupRoot = '', proc = '' }: NodeRoots): KnownPods {
  const key = JSON.stringify([cgroupRoot, proc])
  const known = all.get(key) ?? new KnownPods(new PodViews({ ...(cgroupRoot && { cgroupRoot }), ...(proc && { proc }) }))
  all.set(key, known)
  return known
}
