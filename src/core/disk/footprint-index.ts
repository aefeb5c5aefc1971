import type { Footprint } from '../../model/source.ts'

/** Who has a source, and whether its disk says `shareable`. */
export interface Holder {
  /** Unique over all holders: `namespace/name` and the disk within. */
  readonly id: string
  /** For people: `disk sdb of default/vm1`. */
  readonly label: string
  readonly shareable: boolean
}

/** The holder id of a disk that is no volume of ours. */
export function foreignDiskId(vm: string, target: string): string {
  return `${vm}#${target}`
}

/**
 * Which sources the disks of all VMs of the node stand on, for invariant I1. Lookups cost a few map accesses however
 * many disks there are.
 */
export class FootprintIndex {
  readonly #entries = new Map<string, { readonly holder: Holder; readonly footprint: Footprint }>()
  readonly #same = new Map<string, Set<string>>()
  readonly #below = new Map<string, Set<string>>()
  /** Called after a source came free. */
  onFreed: () => void = () => {}

  /** Adds a holder, or replaces what was known of it. */
  set(holder: Holder, footprint: Footprint): void {
    this.#drop(holder.id)
    this.#entries.set(holder.id, { holder, footprint })
    for (const key of footprint.same) add(this.#same, key, holder.id)
    for (const key of footprint.below) add(this.#below, key, holder.id)
  }

  /** Everybody, with what they stand on. */
  holders(): (Holder & Footprint)[] {
    return [...this.#entries.values()].map(({ holder, footprint }) => ({ ...holder, ...footprint }))
  }

  delete(id: string): void {
    if (this.#drop(id)) this.onFreed()
  }

  #drop(id: string): boolean {
    const entry = this.#entries.get(id)
    if (entry === undefined) return false
    this.#entries.delete(id)
    for (const key of entry.footprint.same) drop(this.#same, key, id)
    for (const key of entry.footprint.below) drop(this.#below, key, id)
    return true
  }

  /** Another holder whose source overlaps and that does not share it, or null. Sharing takes both sides. */
  conflict(self: Holder, footprint: Footprint): Holder | null {
    for (const id of this.#overlapping(footprint)) {
      const other = this.#entries.get(id)?.holder
      if (other !== undefined && id !== self.id && !(self.shareable && other.shareable)) return other
    }
    return null
  }

  *#overlapping(footprint: Footprint): Generator<string> {
    for (const key of footprint.same) {
      yield* this.#same.get(key) ?? []
      yield* this.#below.get(key) ?? []
    }
    for (const key of footprint.below) yield* this.#same.get(key) ?? []
  }
}

function add(map: Map<string, Set<string>>, key: string, id: string): void {
  const ids = map.get(key)
  if (ids === undefined) map.set(key, new Set([id]))
  else ids.add(id)
}

function drop(map: Map<string, Set<string>>, key: string, id: string): void {
  const ids = map.get(key)
  ids?.delete(id)
  if (ids?.size === 0) map.delete(key)
}
