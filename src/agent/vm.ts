import type { VmFacts } from '../core/volume/decide.ts'
import { recordOf } from '../core/volume/actual.ts'
import { diskByAlias } from '../core/disk/disk-match.ts'
import type { Placement } from '../core/disk/placement.ts'
import { type DomainView, sameProcess } from '../model/domain.ts'
import { aliasOf, type LiveDisk } from '../model/disk.ts'
import type { VmKey } from '../model/ids.ts'
import type { DesiredProblem, Impediment, LeavingVolume } from '../model/desired.ts'
import type { VmState, VmStatus } from '../model/status.ts'
import { ordinaryDisks } from '../core/disk/ordinary-disks.ts'
import type { Clock } from '../ports/clock.ts'
import { type OnStage, Volume } from './volume.ts'

/** One VM in both worlds. */
export class Vm {
  readonly key: VmKey
  readonly volumes = new Map<string, Volume>()
  /** The domain as last read; null when libvirt has none, undefined before the first reading. */
  view: DomainView | null | undefined = undefined
  /** Its libvirt answers, and `view` was read since it did. */
  reachable = false
  /** Why not, in libvirt's words. */
  unreachableBecause = 'libvirt was not reached yet'
  problems: readonly DesiredProblem[] = []
  /** Why nothing at all may be changed in it at present. */
  held: Impediment | null = null
  /** What was wanted in it once and is to go, by name. */
  leaving: ReadonlyMap<string, LeavingVolume> = new Map()
  /** Acts under way. */
  runningCount = 0
  /** Volumes that wait for a place among the acts under way, the first come first. */
  readonly queued = new Set<Volume>()
  /** Disks that were read back by themselves since the reading under way began (null: not listed); null while none is. */
  #noted: Map<string, LiveDisk | null> | null = null
  readonly #clock: Clock
  readonly #onStage: OnStage

  constructor(key: VmKey, clock: Clock, onStage: OnStage) {
    this.key = key
    this.#clock = clock
    this.#onStage = onStage
  }

  /** The volume of that name, made if it is not known yet. */
  volume(name: string): Volume {
    const known = this.volumes.get(name)
    if (known !== undefined) return known
    const volume = new Volume({ vm: this.key, volume: name }, this.#clock, this.#onStage)
    this.volumes.set(name, volume)
    return volume
  }

  facts(): VmFacts {
    return { reachable: this.reachable, state: this.#plugState(), uuid: this.view?.uuid ?? null, held: this.held }
  }

  /** What is to go and is in the domain is one of its volumes, though no record may tell of it. */
  noticeLeaving(leaving: ReadonlyMap<string, LeavingVolume>): void {
    this.leaving = leaving
    const listed = (name: string): boolean => diskByAlias(this.view?.disks ?? [], aliasOf(name)) !== null
    for (const name of leaving.keys()) if (listed(name)) this.volume(name)
  }

  /** Places of the other volumes that may not be in `view` yet. */
  reserved(except: Volume): Placement[] {
    const others = [...this.volumes.values()].filter((volume) => volume !== except)
    return others.flatMap((volume) => volume.placement ?? recordOf(volume.actual) ?? volume.persisted?.disk ?? [])
  }

  /** One disk was read back: the view follows without the whole domain being read. */
  noteDisk(alias: string, disk: LiveDisk | null): void {
    this.#noted?.set(alias, disk)
    if (this.view) this.view = withDisk(this.view, alias, disk)
  }

  /**
   * Takes over what `observe` sees of the domain. A single disk that was read back meanwhile is newer than that, unless
   * another QEMU runs. One reading at a time.
   */
  async read(observe: () => Promise<DomainView | null>): Promise<DomainView | null> {
    const noted = new Map<string, LiveDisk | null>()
    this.#noted = noted
    try {
      const view = await observe()
      const isSameQemu = view !== null && view.process !== null && sameProcess(view.process, this.view?.process ?? null)
      this.view = isSameQemu ? [...noted].reduce((now, [alias, disk]) => withDisk(now, alias, disk), view) : view
      return this.view
    } finally {
      this.#noted = null
    }
  }

  /** Nothing is known or wanted of it: it can be dropped. */
  isEmpty(): boolean {
    return this.volumes.size === 0 && !this.view && this.problems.length === 0
  }

  status(): VmStatus {
    const own = [...this.volumes.values()].map((volume) => volume.status)
    const others = ordinaryDisks(this.view?.disks ?? [], new Set([...this.volumes.values()].map((volume) => volume.alias)))
    const volumes = [...own, ...others].sort((a, b) => (a.name < b.name ? -1 : 1))
    return { vm: this.key, uid: this.view?.uuid ?? null, state: this.#state(), volumes, problems: this.#problems() }
  }

  #plugState(): VmFacts['state'] {
    if (this.view === null || this.view === undefined) return 'missing'
    return this.view.state === 'paused' ? 'running' : this.view.state
  }

  #state(): VmState {
    if (this.view === undefined || !this.reachable) return 'Unknown'
    if (this.view === null) return 'NotFound'
    return ({ running: 'Running', paused: 'Paused', off: 'Stopped', saved: 'Saved' } as const)[this.view.state]
  }

  #problems(): VmStatus['problems'] {
    const own = this.problems.map(({ reason, message }) => ({ reason, message }))
    return this.reachable ? own : [{ reason: 'LibvirtUnavailable', message: this.unreachableBecause }, ...own]
  }
}

function withDisk(view: DomainView, alias: string, disk: LiveDisk | null): DomainView {
  const others = view.disks.filter((other) => other.alias !== alias)
  return { ...view, disks: disk === null ? others : [...others, disk] }
}
