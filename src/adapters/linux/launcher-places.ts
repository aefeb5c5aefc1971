import type { PlaceInPod } from './pod-binding.ts'
import { isOutdated, type PodViews } from './pod-views.ts'

const MOST_PLACES = 1_024

/**
 * Where launchers have their directory for hot-plugged volumes, remembered: it stays for the life of the container, and
 * every act proves it again.
 */
export class LauncherPlaces {
  readonly #views: PodViews
  #known = new Map<string, PlaceInPod>()

  constructor(views: PodViews) {
    this.#views = views
  }

  /** What the act says of the launcher's place; null if no container of it runs. */
  async use<T>(podUid: string, act: (place: PlaceInPod) => Promise<T>): Promise<T | null> {
    const known = this.#known.get(podUid)
    if (known !== undefined) {
      try {
        return await act(known)
      } catch (error) {
        if (!isOutdated(error)) throw error
        this.#known.delete(podUid)
      }
    }
    return this.#useAnew(podUid, act)
  }

  async #useAnew<T>(podUid: string, act: (place: PlaceInPod) => Promise<T>): Promise<T | null> {
    const view = await this.#views.launcher(podUid)
    if (view === null) return null
    if (this.#known.size > MOST_PLACES) this.#known = new Map()
    this.#known.set(podUid, view.place)
    return act(view.place).catch((error: unknown) => {
      if (isOutdated(error)) return null
      throw error
    })
  }
}
