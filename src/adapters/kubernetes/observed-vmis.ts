import { observedVmi } from '../../core/cluster/observed-vmi.ts'
import type { HotplugError } from '../../errors.ts'
import type { VmKey } from '../../model/ids.ts'
import type { ObservedVmi } from '../../model/observed.ts'
import type { ObservedVmis } from '../../ports/observed-vmis.ts'
import type { KnownVmi, NodeView } from './node-view.ts'

/** The VMIs of a node view, for somebody who only watches. */
export function createObservedVmis(view: NodeView): ObservedVmis {
  return new VmisOfView(view)
}

class VmisOfView implements ObservedVmis {
  readonly #view: NodeView
  readonly #listeners = new Set<(vm: VmKey | null) => void>()
  /** Which version of which objects was told last, by VM. */
  #told: ReadonlyMap<VmKey, string> | null = null

  constructor(view: NodeView) {
    this.#view = view
    view.watch(() => this.#compare())
  }

  all(): readonly ObservedVmi[] | null {
    return this.#view.isSynced ? this.#here().map((known) => this.#observed(known)) : null
  }

  find(vm: VmKey): ObservedVmi | null {
    const known = this.#view.get(vm)
    return known === null || known.place === 'elsewhere' ? null : this.#observed(known)
  }

  trouble(): HotplugError | null {
    return this.#view.states().find(({ trouble, name }) => trouble !== null && name !== 'kubevirts')?.trouble ?? null
  }

  watch(listener: (vm: VmKey | null) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #here(): KnownVmi[] {
    return [...this.#view.all()].filter(({ place }) => place !== 'elsewhere')
  }

  #observed({ vmi, launcher }: KnownVmi): ObservedVmi {
    return observedVmi(vmi, launcher, this.#view.podsOf(launcher))
  }

  #compare(): void {
    if (!this.#view.isSynced) return
    const [before, now] = [this.#told, new Map(this.#here().map((known) => [known.vm, this.#versionOf(known)]))]
    this.#told = now
    if (before === null) return this.#tell(null)
    for (const vm of new Set([...before.keys(), ...now.keys()])) if (before.get(vm) !== now.get(vm)) this.#tell(vm)
  }

  #versionOf({ vmi, launcher }: KnownVmi): string {
    const objects = [vmi, ...(launcher === null ? [] : [launcher, ...this.#view.podsOf(launcher)])]
    return objects.map(({ uid, resourceVersion }) => `${uid}@${resourceVersion}`).join(' ')
  }

  #tell(vm: VmKey | null): void {
    for (const listener of this.#listeners) listener(vm)
  }
}
