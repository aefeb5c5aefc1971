import { HotplugError } from '../../../errors.ts'
import { addon, type BoundLoop, type LookedUpBlock, type LookedUpFile } from '../binding.ts'
import { BlockNames } from './block-names.ts'
import { readHostFacts, type HostFacts } from './host-facts.ts'
import { mountedElsewhere } from './mount-namespaces.ts'
import { overlaps } from './overlap.ts'
import { SharedReading } from '../shared-reading.ts'
import { failed, isSystemFailure, meansAbsent } from '../system-failure.ts'

type Source = LookedUpBlock | LookedUpFile

/** Keeps what the host itself uses out of the guests (invariant I1). */
export class HostGuard {
  readonly #names: BlockNames
  readonly #facts: SharedReading<HostFacts>

  constructor(sysfs: string) {
    this.#names = new BlockNames(sysfs)
    this.#facts = new SharedReading(() => readHostFacts(sysfs, this.#names))
  }

  /** What the host uses, read after the call began. */
  facts(): Promise<HostFacts> {
    return this.#facts.now()
  }

  /**
   * Throws HotplugError `SourceInUseByHost` that names the holder: a mount, swap, a device built on the source, a loop
   * device of it that is used so, or whoever holds it exclusively for longer than an instant.
   */
  async proveFree(source: Source, facts: HostFacts): Promise<void> {
    const use = facts.uses.find(({ footprint }) => overlaps(footprint, source.footprint))
    if (use !== undefined) throw inUse(source.path, use.words())
    for (const loop of facts.loops) if (isOtherNameOf(loop, source)) await this.#refuseHeldLoop(source, loop)
    if (source.kind === 'file' || source.refusal === null) return
    if (source.refusal !== 'EBUSY') throw cannotOpen(source, source.refusal)
    await this.#refuseHeld(source.path, source.path, source.device)
  }

  /** A loop device by itself is only another name; one that is held is a use. */
  async #refuseHeldLoop(source: Source, loop: BoundLoop): Promise<void> {
    const node = this.#names.nodeOf(loop.device)
    try {
      await this.#refuseHeld(source.path, node, loop.device)
    } catch (error) {
      // Without a node for it, what sysfs knows must do.
      if (!(error instanceof HotplugError) || !meansAbsent(error.cause)) throw error
      const [holder] = this.#names.holdersOf(loop.device)
      if (holder !== undefined) throw inUse(source.path, `${node} is held by ${holder}`)
    }
  }

  async #refuseHeld(path: string, node: string, device: string): Promise<void> {
    if (!(await probe(node, device))) return
    const holders = this.#names.holdersOf(device)
    const elsewhere = holders.length > 0 ? null : await mountedElsewhere(device)
    throw inUse(path, `${node} is ${describeHold(holders, elsewhere)}`)
  }
}

/** EXDEV: the node is another device's by now. */
async function probe(node: string, device: string): Promise<boolean> {
  try {
    return await addon.probeExclusiveUse(node, device)
  } catch (error) {
    const changed = isSystemFailure(error) && error.code === 'EXDEV'
    throw failed(changed ? 'SourceChanged' : 'SourceUnreadable', `find out whether ${node} is in use`, error)
  }
}

function describeHold(holders: readonly string[], elsewhere: string | null): string {
  if (holders.length > 0) return `held by ${holders.join(', ')}`
  return elsewhere ?? 'held exclusively by another program'
}

/** What a source itself stands on is held by it; opening the source exclusively told whether by others as well. */
function isOtherNameOf(loop: BoundLoop, source: Source): boolean {
  if (source.kind === 'block' && loop.device === source.device) return false
  if (source.footprint.below.includes(`b:${loop.device}`)) return false
  return loop.isKnown ? overlaps(loop.footprint, source.footprint) : loop.backingFile === source.path
}

function inUse(path: string, words: string): HotplugError {
  return new HotplugError('SourceInUseByHost', `${path} is in use by the host: ${words}`, { detail: { path, holder: words } })
}

function cannotOpen({ path }: Source, errno: string): HotplugError {
  const remedy = 'Let the agent read the device: without that, nobody knows whether the host uses it.'
  return new HotplugError('SourceUnreadable', `cannot open ${path}: ${errno} from open`, { remedy, detail: { path, errno, syscall: 'open' } })
}
