import { type HotplugError, asHotplugError } from '../errors.ts'
import { factsOf } from '../core/follow/followed-facts.ts'
import { plain } from '../core/follow/kubevirt-words.ts'
import { ordinaryDisks } from '../core/disk/ordinary-disks.ts'
import type { Moment } from '../core/follow/way.ts'
import { aliasOf } from '../model/disk.ts'
import type { DomainView } from '../model/domain.ts'
import type { VmKey } from '../model/ids.ts'
import type { ObservedVmi } from '../model/observed.ts'
import type { Stage, VmState, VmStatus } from '../model/status.ts'
import { FollowedVolume } from './followed-volume.ts'

/** What one look at the volumes of a VM has shown. */
export interface Sighting {
  /** Volumes whose status changed, with the stages that they passed. */
  readonly changed: readonly { readonly volume: FollowedVolume; readonly before: FollowedVolume['status'] | null; readonly stages: readonly Stage[] }[]
  readonly gone: readonly FollowedVolume[]
}

const STATES = { running: 'Running', paused: 'Paused', off: 'Stopped', saved: 'Saved' } as const

/** One VM whose volumes are followed: what the API server, its libvirt and its launcher last told of it. */
export class FollowedVm {
  readonly key: VmKey
  readonly volumes = new Map<string, FollowedVolume>()
  #vmi: ObservedVmi | null = null
  #view: DomainView | null | undefined = undefined
  #exposed: ReadonlySet<string> | null = null
  #unreachableBecause = 'its libvirt was not reached yet'

  constructor(key: VmKey) {
    this.key = key
  }

  get vmi(): ObservedVmi | null {
    return this.#vmi
  }

  get view(): DomainView | null | undefined {
    return this.#view
  }

  /** Another VMI under the name is another VM: nothing of the earlier one is carried over. */
  takeVmi(vmi: ObservedVmi | null): void {
    if (vmi !== null && this.#vmi !== null && vmi.uid !== this.#vmi.uid) this.volumes.clear()
    this.#vmi = vmi
  }

  takeView(view: DomainView | null): void {
    this.#view = view
  }

  loseView(thrown: unknown): HotplugError {
    const error = asHotplugError(thrown)
    this.#view = undefined
    this.#unreachableBecause = error.message
    return error
  }

  takeExposed(exposed: ReadonlySet<string> | null): void {
    this.#exposed = exposed
  }

  /** Names of volumes that a look into the launcher is to ask for. */
  names(): string[] {
    const told = [...(this.#vmi?.entries ?? []), ...(this.#vmi?.volumes ?? [])].map(({ name }) => name)
    return [...new Set([...told, ...this.volumes.keys()])]
  }

  /** Brings every volume up to date with what is known now. */
  look(now: Moment): Sighting {
    const sight = { vmi: this.#vmi, view: this.#view, exposed: this.#exposed }
    const facts = factsOf(sight, this.volumes.keys())
    this.#dropOrdinary(new Set(facts.map(({ name }) => name)))
    const changed = facts.flatMap((of) => this.#see(of, now))
    const gone = [...this.volumes.values()].filter(({ isGone }) => isGone || this.#vmi === null)
    for (const { key } of gone) this.volumes.delete(key.volume)
    return { changed, gone }
  }

  get isUnderWay(): boolean {
    return [...this.volumes.values()].some(({ isUnderWay }) => isUnderWay)
  }

  status(): VmStatus {
    const followed = [...this.volumes.values()].map(({ status }) => status)
    const others = ordinaryDisks(this.#view?.disks ?? [], new Set(followed.map(({ name }) => aliasOf(name))))
    const volumes = [...followed, ...others].sort((a, b) => (a.name < b.name ? -1 : 1))
    return { vm: this.key, uid: this.#view?.uuid ?? null, state: this.#state(), volumes, problems: this.#problems() }
  }

  #see(facts: ReturnType<typeof factsOf>[number], now: Moment): Sighting['changed'] {
    const known = this.volumes.get(facts.name)
    if (known === undefined) {
      const volume = new FollowedVolume({ vm: this.key, volume: facts.name }, facts, now)
      this.volumes.set(facts.name, volume)
      return [{ volume, before: null, stages: [] }]
    }
    const before = known.status
    const stages = known.see(facts, now)
    return known.status === before && stages.length === 0 ? [] : [{ volume: known, before, stages }]
  }

  /** By now they belong to the VM for good. */
  #dropOrdinary(hotplugged: ReadonlySet<string>): void {
    for (const name of this.volumes.keys()) if (!hotplugged.has(name)) this.volumes.delete(name)
  }

  #state(): VmState {
    if (this.#view === undefined) return 'Unknown'
    return this.#view === null ? 'NotFound' : STATES[this.#view.state]
  }

  #problems(): VmStatus['problems'] {
    const failure = this.#vmi?.failure ?? null
    const told = failure === null ? [] : [{ reason: 'KubeVirtReports', message: plain(failure.message) }]
    return this.#view === undefined ? [{ reason: 'LibvirtUnavailable', message: this.#unreachableBecause }, ...told] : told
  }
}
