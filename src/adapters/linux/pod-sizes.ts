import { join } from 'node:path'
import type { SourceIdentity } from '../../model/source.ts'
import type { SizeQuestion } from '../../ports/host.ts'
import type { ExposedView } from './exposed-view.ts'
import { textOf } from './kernel-files.ts'
import { entryName, readHandle, type LauncherHandle } from './launcher-handle.ts'

const SECTOR_BYTES = 512
const MOST_ANSWERS = 4_096

/**
 * Sizes of what is exposed in launchers. Of a device sysfs tells without waiting. An image is looked at in its launcher,
 * on a thread, and the answer given is that of the look before: nothing of it is held open, which would keep its file
 * system mounted.
 */
export class PodSizes {
  readonly #exposed: ExposedView
  readonly #sysfs: string
  readonly #asking = new Set<string>()
  #last = new Map<string, number | null>()

  constructor(exposed: ExposedView, sysfs: string) {
    this.#exposed = exposed
    this.#sysfs = sysfs
  }

  now({ identity, handle }: SizeQuestion): number | null {
    if (identity.kind === 'block') return this.#sizeOfDevice(identity.device)
    const read = readHandle(handle)
    if (read === null) return null
    const key = `${read.launcher} ${read.volume} ${identity.filesystem}:${identity.inode}`
    void this.#ask(key, read)
    return this.#last.get(key) ?? null
  }

  #sizeOfDevice(device: string): number | null {
    const sectors = textOf(join(this.#sysfs, 'dev/block', device, 'size'))
    return sectors === null ? null : Number(sectors) * SECTOR_BYTES
  }

  async #ask(key: string, handle: LauncherHandle): Promise<void> {
    if (this.#asking.has(key)) return
    this.#asking.add(key)
    const now = await this.#exposed.look(handle.launcher, entryName(handle)).catch(() => null)
    if (this.#last.size > MOST_ANSWERS) this.#last = new Map()
    this.#last.set(key, now !== null && isSameFile(handle.identity, now) ? now.sizeBytes : null)
    this.#asking.delete(key)
  }
}

function isSameFile(identity: SourceIdentity, now: { readonly filesystem: string; readonly inode: string }): boolean {
  return identity.kind === 'file' && now.filesystem === identity.filesystem && now.inode === identity.inode
}
