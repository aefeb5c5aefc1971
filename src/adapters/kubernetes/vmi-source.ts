import { type VmiWishes, wishesOf } from '../../core/cluster/vmi-wishes.ts'
import type { DesiredProblem, DesiredSnapshot, DesiredVolume, Impediment } from '../../model/desired.ts'
import type { VmKey } from '../../model/ids.ts'
import type { DesiredSource } from '../../ports/desired-source.ts'
import type { KnownVmi, NodeView } from './node-view.ts'

/** What the VMIs of this node want. Watches what `view` mirrors; whoever made the view starts and closes it. */
export function createVmiSource(view: NodeView): DesiredSource {
  return new VmiSource(view)
}

/** Wishes of one VMI, and what they were made from. */
interface Made {
  readonly from: readonly unknown[]
  readonly wishes: VmiWishes
}

class VmiSource implements DesiredSource {
  readonly name = 'vmis'
  readonly #view: NodeView
  #made: ReadonlyMap<VmKey, Made> = new Map()
  #told: DesiredSnapshot | null = null
  #end: () => void = () => {}

  constructor(view: NodeView) {
    this.#view = view
  }

  /** Does not wait for the API server: what is not read yet is told as not synced. */
  async start(listener: (snapshot: DesiredSnapshot) => void): Promise<void> {
    this.#end = this.#view.watch(() => this.#tell(listener))
    this.#tell(listener)
  }

  async close(): Promise<void> {
    this.#end()
  }

  /** Before the first whole reading only trouble is told. */
  #tell(listener: (snapshot: DesiredSnapshot) => void): void {
    const snapshot = this.#snapshot()
    if (!snapshot.synced && snapshot.problems.length === 0) return
    if (this.#told !== null && isSame(this.#told, snapshot)) return
    this.#told = snapshot
    listener(snapshot)
  }

  #snapshot(): DesiredSnapshot {
    const known = [...this.#view.all()]
    this.#made = new Map(known.filter(({ place }) => place === 'here').map((one) => [one.vm, this.#make(one)]))
    const wishes = [...this.#made.values()].map((made) => made.wishes)
    return {
      synced: this.#view.isSynced,
      volumes: wishes.flatMap(({ volumes }) => volumes),
      leaving: wishes.flatMap(({ leaving }) => leaving),
      unreadable: wishes.filter(({ doubt }) => doubt !== null).map(({ vm }) => vm),
      doubts: new Map(wishes.flatMap(({ vm, doubt }) => (doubt === null ? [] : [[vm, doubt] as const]))),
      held: this.#held(known, wishes),
      problems: [...this.#troubles(), ...wishes.flatMap(({ problems }) => problems)],
    }
  }

  #held(known: readonly KnownVmi[], wishes: readonly VmiWishes[]): Map<VmKey, Impediment> {
    const unknown = [...this.#view.unknownVms()].map(([vm, why]) => [vm, ofUnknown(why)] as const)
    const away = known.flatMap(heldAway)
    const here = wishes.flatMap(({ vm, held }) => (held === null ? [] : [[vm, held] as const]))
    return new Map([...unknown, ...away, ...here])
  }

  #troubles(): DesiredProblem[] {
    return this.#unseen().map(({ reason, cause }) => ({ vm: null, volume: null, reason, message: cause }))
  }

  /** What cannot be read at present, and why. */
  #unseen(): Impediment[] {
    const troubles = this.#view.states().flatMap(({ name, trouble }) => (trouble === null ? [] : [{ name, trouble }]))
    const vital = troubles.filter(({ name, trouble }) => name !== 'kubevirts' || trouble.reason === 'ApiForbidden')
    return vital.map(({ name, trouble }) => ({ reason: trouble.reason, cause: `${name} cannot be read from the API server: ${trouble.message}` }))
  }

  /** The same wishes as before where nothing that they are made from has changed. */
  #make({ vm, vmi, launcher }: KnownVmi): Made {
    const pods = this.#view.podsOf(launcher)
    const gate = this.#view.gate.impediment
    const unseen = this.#unseen()[0] ?? null
    const from = [vmi, launcher, gate?.cause, unseen?.cause, ...pods]
    const before = this.#made.get(vm)
    if (before !== undefined && isEach(before.from, from)) return before
    const wishes = wishesOf({ vmi, node: this.#view.node, launcher, pods, gate, unseen, ...(before && { before: before.wishes.volumes }) })
    return { from, wishes: before === undefined ? wishes : { ...wishes, volumes: kept(wishes.volumes, before.wishes.volumes) } }
  }
}

/** Why nothing may be changed in a VM that is not this node's, or may not be any more. */
function heldAway({ vm, vmi, place, why }: KnownVmi): (readonly [VmKey, Impediment])[] {
  if (place === 'here') return []
  if (place === 'unknown') return [[vm, ofUnknown(why)]]
  return [[vm, { reason: 'VmiElsewhere', cause: `the VirtualMachineInstance is on ${vmi.nodeName === '' ? 'no node' : `node ${vmi.nodeName}`} by now, and a launcher of it is still here` }]]
}

function ofUnknown(why: string): Impediment {
  return { reason: 'VmiUnknown', cause: `the VirtualMachineInstance is not listed for this node any more, and what became of it is not known yet${why === '' ? '' : `: ${why}`}` }
}

function isEach(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((one, index) => one === b[index])
}

/** A wish that says the same stays the same object. */
function kept(now: readonly DesiredVolume[], before: readonly DesiredVolume[]): readonly DesiredVolume[] {
  const volumes = now.map((volume) => before.find((old) => old.name === volume.name && JSON.stringify(old) === JSON.stringify(volume)) ?? volume)
  return isEach(volumes, before) ? before : volumes
}

function isSame(a: DesiredSnapshot, b: DesiredSnapshot): boolean {
  const rest = ({ synced, leaving, doubts, held, problems }: DesiredSnapshot): string => JSON.stringify([synced, leaving, [...(doubts ?? [])], [...(held ?? [])], problems])
  return isEach(a.volumes, b.volumes) && rest(a) === rest(b)
}
