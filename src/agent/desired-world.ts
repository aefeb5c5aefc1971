import { askerOf } from '../core/volume/asker.ts'
import { waitFor } from '../core/volume/waits.ts'
import type { DesiredProblem, DesiredSnapshot, DesiredVolume, Impediment, LeavingVolume, Origin } from '../model/desired.ts'
import type { VmKey } from '../model/ids.ts'

type OriginKind = Origin['kind']
type Wishes = Map<VmKey, Map<string, DesiredVolume>>

/**
 * What all sources of desired state want together. Where two want a volume of one name the earlier source in the list
 * has it, and the other is told as a problem.
 */
export class DesiredWorld {
  readonly #order: readonly OriginKind[]
  readonly #snapshots = new Map<OriginKind, DesiredSnapshot>()
  #wishes: Wishes = new Map()
  #leaving: ReadonlyMap<VmKey, readonly LeavingVolume[]> = new Map()
  #conflicts: DesiredProblem[] = []

  constructor(order: readonly OriginKind[]) {
    this.#order = order
  }

  /** Takes over what one source wants now, whole. */
  update(origin: OriginKind, snapshot: DesiredSnapshot): void {
    this.#snapshots.set(origin, snapshot)
    this.#wishes = new Map()
    this.#conflicts = []
    for (const kind of this.#order) this.#merge(this.#snapshots.get(kind)?.volumes ?? [])
    this.#leaving = Map.groupBy([...this.#snapshots.values()].flatMap(({ leaving = [] }) => leaving), ({ vm }) => vm)
  }

  /** Every source was read once (invariant I9). */
  get allRead(): boolean {
    return this.#order.every((kind) => this.#snapshots.has(kind))
  }

  of(vm: VmKey): ReadonlyMap<string, DesiredVolume> {
    return this.#wishes.get(vm) ?? new Map()
  }

  /** What was wanted in the VM once and is to go, by name. */
  leaving(vm: VmKey): ReadonlyMap<string, LeavingVolume> {
    return new Map(this.#leaving.get(vm)?.map((volume) => [volume.name, volume]))
  }

  vms(): Iterable<VmKey> {
    return this.#wishes.keys()
  }

  /** Why the absence of a volume that `origin` once asked for does not mean that it is to go; null: it does. */
  kept(origin: OriginKind, vm: VmKey): Impediment | null {
    const snapshot = this.#snapshots.get(origin)
    const isCertain = this.allRead && snapshot?.synced === true && !snapshot.unreadable.includes(vm)
    return isCertain ? null : (snapshot?.doubts?.get(vm) ?? waitFor('ManifestsUnreadable'))
  }

  /** Why nothing at all may be changed in the VM at present. */
  held(vm: VmKey): Impediment | null {
    for (const { held } of this.#snapshots.values()) {
      const impediment = held?.get(vm)
      if (impediment !== undefined) return impediment
    }
    return null
  }

  /** Whom a volume is ascribed to that nothing tells the origin of. */
  get firstOrigin(): OriginKind {
    return this.#order[0] ?? 'request'
  }

  /** Troubles of the sources of desired state; those of one VM, or those that belong to none. */
  problems(vm: VmKey | null): DesiredProblem[] {
    return this.allProblems().filter((problem) => problem.vm === vm)
  }

  allProblems(): DesiredProblem[] {
    return [...[...this.#snapshots.values()].flatMap((snapshot) => snapshot.problems), ...this.#conflicts]
  }

  vmsWithProblems(): VmKey[] {
    return this.allProblems().flatMap((problem) => problem.vm ?? [])
  }

  sources(): { origin: OriginKind; synced: boolean; volumes: number; problems: readonly DesiredProblem[] }[] {
    return [...this.#snapshots].map(([origin, { synced, volumes, problems }]) => ({ origin, synced, volumes: volumes.length, problems }))
  }

  #merge(volumes: readonly DesiredVolume[]): void {
    for (const volume of volumes) {
      const ofVm = this.#wishes.get(volume.vm) ?? new Map<string, DesiredVolume>()
      const taken = ofVm.get(volume.name)
      if (taken === undefined) ofVm.set(volume.name, volume)
      else this.#conflicts.push(conflict(volume, taken))
      this.#wishes.set(volume.vm, ofVm)
    }
  }
}

function conflict(volume: DesiredVolume, taken: DesiredVolume): DesiredProblem {
  const message = `volume ${volume.name} of ${volume.vm} is wanted by ${askerOf(taken.origin)} and by ${askerOf(volume.origin)}; the first one holds`
  return { vm: volume.vm, volume: volume.name, reason: 'ManifestConflict', message }
}
