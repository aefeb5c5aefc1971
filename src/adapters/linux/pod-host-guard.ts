import { HotplugError } from '../../errors.ts'
import { BlockNames } from './block-names.ts'
import { readHostFacts, type HostFacts } from './host-facts.ts'
import { overlaps } from './overlap.ts'
import type { PodBlock } from './pod-binding.ts'
import { SharedReading } from './shared-reading.ts'

/**
 * Keeps devices that the host itself uses out of the guests (invariant I1), for an agent in a container: it may open no
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

  /** Throws HotplugError `SourceInUseByHost` that names the holder, `SourceUnreadable`. */
  async proveFree(source: PodBlock): Promise<void> {
    const facts = await this.#facts.now()
    const use = facts.uses.find(({ footprint }) => overlaps(footprint, source.footprint))
    if (use !== undefined) throw inUse(source.device, use.words())
    const [holder] = this.#names.holdersOf(source.device)
    if (holder !== undefined) throw inUse(source.device, `${this.#names.nodeOf(source.device)} is held by ${holder}`)
  }
}

function inUse(device: string, words: string): HotplugError {
  return new HotplugError('SourceInUseByHost', `block device ${device} is in use by the host: ${words}`, { detail: { device, holder: words } })
}
