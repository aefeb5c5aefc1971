import type { PlaceInPod } from './pod-binding.ts'
import { isOutdated, type LauncherView, type PodViews } from './pod-views.ts'

const MOST_LAUNCHERS = 1_024

/**
 * What was seen of launchers, remembered: it stays for the life of the container, and every act proves its process and
 * mount again.
 */
export class KnownLaunchers {
  readonly #views: PodViews
  #known = new Map<string, LauncherView>()

  constructor(views: PodViews) {
    this.#views = views
  }

  /** With the owner that its QEMU has; null while no container of it runs. */
  async view(podUid: string): Promise<LauncherView | null> {
    const known = this.#known.get(podUid)
    return known?.hasQemu === true ? known : this.#look(podUid)
  }

  /** It turned out not to be true any more. */
  forget(podUid: string): void {
    this.#known.delete(podUid)
  }

  /** What the act says of the launcher's directory; null if no container of it runs. */
  async use<T>(podUid: string, act: (place: PlaceInPod) => Promise<T>): Promise<T | null> {
    const known = this.#known.get(podUid)
    if (known !== undefined) {
      try {
        return await act(known.place)
      } catch (error) {
        if (!isOutdated(error)) throw error
      }
    }
    return this.#useAnew(podUid, act)
  }

  async #useAnew<T>(podUid: string, act: (place: PlaceInPod) => Promise<T>): Promise<T | null> {
    const view = await this.#look(podUid)
    if (view === null) return null
    return act(view.place).catch((error: unknown) => {
      if (isOutdated(error)) return null
      throw error
    })
  }

  async #look(podUid: string): Promise<LauncherView | null> {
    const view = await this.#views.launcher(podUid)
    if (view === null) this.#known.delete(podUid)
    if (view === null) return null
    if (this.#known.size > MOST_LAUNCHERS) this.#known = new Map()
    this.#known.set(podUid, view)
    return view
  }
}
