import type { Footprint } from '../../model/source.ts'
import { LATE, within } from './in-time.ts'
import { SharedReadings } from './shared-reading.ts'

const DEADLINE_MS = 2_000

/**
 * Footprints of what other disks use. A path on a dead server keeps nobody waiting for long: it is answered from memory
 * then. What cannot be looked at cannot be plugged either, so that hides no overlap that could come about.
 */
export class PathFootprints {
  readonly #look: (path: string) => Promise<Footprint | null>
  readonly #readings = new SharedReadings<Footprint | null>()
  readonly #lastKnown = new Map<string, Footprint>()

  constructor(look: (path: string) => Promise<Footprint | null>) {
    this.#look = look
  }

  of(paths: readonly string[]): Promise<(Footprint | null)[]> {
    return Promise.all(paths.map((path) => this.#of(path)))
  }

  async #of(path: string): Promise<Footprint | null> {
    const found = await within(DEADLINE_MS, this.#readings.now(path, () => this.#read(path)))
    return found === LATE ? (this.#lastKnown.get(path) ?? null) : found
  }

  async #read(path: string): Promise<Footprint | null> {
    const found = await this.#look(path)
    if (found === null) this.#lastKnown.delete(path)
    else this.#lastKnown.set(path, found)
    return found
  }
}
