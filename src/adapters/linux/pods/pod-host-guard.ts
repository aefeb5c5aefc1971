import { HotplugError } from '../../../errors.ts'
import { BlockNames } from '../host/block-names.ts'
import { readHostFacts, type HostFacts } from '../host/host-facts.ts'
import { overlaps } from '../host/overlap.ts'
import type { PodBlock, PodFile } from './pod-binding.ts'
import { SharedReading } from '../shared-reading.ts'

/**
 * Keeps what the host itself uses out of the guests (invariant I1), for an agent in a container: it may open no
 * block device, so that only what mountinfo, the list of swaps and sysfs tell is known. Mounts are those of the host's
 * first process.
 */
export class PodHostGuard {
  readonly #names: BlockNames
  readonly #facts: SharedReading<HostFacts>

  constructor(sysfs: string, proc: string) {
    this.#names = new BlockNames(sysfs)
    this.#facts = new SharedReading(() => readHostFacts(sysfs, this.#names, `${proc}/1/mountinfo`))
  }

  /** What the host uses, read after the call began. */
  facts(): Promise<HostFacts> {
    return this.#facts.now()
  }

  /** Throws HotplugError `SourceInUseByHost` that names the holder. */
  proveFree(source: PodBlock | PodFile, facts: HostFacts): void {
    const use = facts.uses.find(({ footprint }) => overlaps(footprint, source.footprint))
    if (use !== undefined) throw inUse(source, use.words())
    if (source.kind === 'file') return
    const [holder] = this.#names.holdersOf(source.device)
    if (holder !== undefined) throw inUse(source, `${this.#names.nodeOf(source.device)} is held by ${holder}`)
  }
}

function inUse(source: PodBlock | PodFile, words: string): HotplugError {
  const name = source.kind === 'block' ? `block device ${source.device}` : `disk.img (file ${source.filesystem} inode ${source.inode})`
  return new HotplugError('SourceInUseByHost', `${name} is in use by the host: ${words}`, { detail: { source: name, holder: words } })
}
