import { join } from 'node:path'
import type { SizeQuestion } from '../../../ports/host.ts'
import type { ExposedView } from './exposed-view.ts'
import { textOf } from '../kernel-files.ts'
import { entryName, readHandle } from './launcher-handle.ts'
import type { ImageNumber } from './pod-binding.ts'

const SECTOR_BYTES = 512
const MOST_ANSWERS = 4_096

interface Image extends ImageNumber {
  readonly launcher: string
  readonly key: string
}

/**
 * Sizes of what is exposed in launchers. Of a device sysfs tells without waiting. Images are looked at in their launcher, on
 * a thread, and the answer given is that of the look before: nothing of them is held open, which would keep their file
 * system mounted. All of a launcher are one look, but for those that may have to wait for a server.
 */
export class PodSizes {
  readonly #exposed: ExposedView
  readonly #sysfs: string
  /** Launchers, and images by themselves, whose look has not ended. */
  readonly #asking = new Set<string>()
  #last = new Map<string, number | null>()

  constructor(exposed: ExposedView, sysfs: string) {
    this.#exposed = exposed
    this.#sysfs = sysfs
  }

  now(questions: readonly SizeQuestion[]): (number | null)[] {
    const images = questions.map(imageOf)
    const launchers = Map.groupBy(images.filter((image) => image !== null), ({ launcher }) => launcher)
    for (const [launcher, own] of launchers) void this.#once(launcher, () => this.#askAll(launcher, own))
    return questions.map(({ identity }, i) => {
      if (identity.kind === 'block') return this.#sizeOfDevice(identity.device)
      return this.#last.get(images[i]?.key ?? '') ?? null
    })
  }

  #sizeOfDevice(device: string): number | null {
    const sectors = textOf(join(this.#sysfs, 'dev/block', device, 'size'))
    return sectors === null ? null : Number(sectors) * SECTOR_BYTES
  }

  async #once(what: string, ask: () => Promise<void>): Promise<void> {
    if (this.#asking.has(what)) return
    this.#asking.add(what)
    await ask()
    this.#asking.delete(what)
  }

  async #askAll(launcher: string, images: readonly Image[]): Promise<void> {
    const sizes = await this.#exposed.sizes(launcher, images).catch(() => null)
    for (const [i, image] of images.entries()) {
      const size = sizes === null ? null : sizes[i]
      if (size === undefined) void this.#once(image.key, () => this.#askOne(image))
      else this.#keep(image, size)
    }
  }

  async #askOne(image: Image): Promise<void> {
    const now = await this.#exposed.look(image.launcher, image.name).catch(() => null)
    this.#keep(image, now !== null && now.filesystem === image.filesystem && now.inode === image.inode ? now.sizeBytes : null)
  }

  #keep({ key }: Image, size: number | null): void {
    if (this.#last.size > MOST_ANSWERS) this.#last = new Map()
    this.#last.set(key, size)
  }
}

function imageOf({ identity, handle }: SizeQuestion): Image | null {
  const read = identity.kind === 'file' ? readHandle(handle) : null
  if (read === null || identity.kind !== 'file') return null
  const { filesystem, inode } = identity
  return { launcher: read.launcher, name: entryName(read), filesystem, inode, key: `${read.launcher} ${read.volume} ${filesystem}:${inode}` }
}
