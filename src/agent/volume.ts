import { ABSENT, type Actual, recordOf } from '../core/volume/actual.ts'
import type { Verb, Wish } from '../core/volume/decide.ts'
import type { Placement } from '../core/disk/placement.ts'
import type { Trouble } from '../core/volume/trouble.ts'
import { released, volumeStatus } from '../core/volume/volume-status.ts'
import { type DesiredVolume, fingerprint, type Impediment, isSameImpediment } from '../model/desired.ts'
import { aliasOf } from '../model/disk.ts'
import { type VolumeKey, volumeId } from '../model/ids.ts'
import type { PersistedDisk } from '../model/record.ts'
import type { Stage, VolumeStatus } from '../model/status.ts'
import type { Clock } from '../ports/clock.ts'
import { Timeline } from './timeline.ts'

/** An act under way on a volume. There is never more than one. */
export interface Running {
  readonly verb: Verb
  readonly opId: number
  /** 1 unless the same act had failed before. */
  readonly attempt: number
  readonly startedAt: string
  readonly startMs: number
}

/** Is told each stage that a volume passes. */
export type OnStage = (volume: Volume, stage: Stage) => void

/** One volume in both worlds: what is wanted, what is known to be, what is being done about it. */
export class Volume {
  readonly key: VolumeKey
  readonly id: string
  readonly alias: string
  readonly timeline: Timeline
  actual: Actual = ABSENT
  persisted: PersistedDisk | null = null
  /** Kept from the start of a plug until nothing of it is left. */
  placement: Placement | null = null
  running: Running | null = null
  trouble: Trouble | null = null
  waiting: Impediment | null = null
  grown = false
  /** Something happened to its disk while an act was under way: read back afterwards. */
  recheck = false
  status: VolumeStatus
  readonly #clock: Clock
  #desired: DesiredVolume | null = null
  #wish: Wish | null = null

  constructor(key: VolumeKey, clock: Clock, onStage: OnStage) {
    this.key = key
    this.id = volumeId(key)
    this.alias = aliasOf(key.volume)
    this.#clock = clock
    this.timeline = new Timeline(clock, (stage) => onStage(this, stage))
    this.status = { ...this.#computeStatus([], true), phase: null }
  }

  get desired(): DesiredVolume | null {
    return this.#desired
  }

  /** The wish with its fingerprint, computed once a change. */
  get wish(): Wish | null {
    return this.#wish
  }

  /** Takes a new wish over; true if it differs from the present one, whose troubles are then forgotten. */
  want(desired: DesiredVolume | null): boolean {
    if (desired === this.#desired) return false
    const wish = desired === null ? null : { persist: desired.persist, vmUid: desired.vmUid, blocked: desired.blocked ?? null, fillBytes: desired.fillBytes ?? 0, fingerprint: fingerprint(desired) }
    const changed = !isSameWish(wish, this.#wish) || !isSameImpediment(desired?.unheld, this.#desired?.unheld)
    this.#desired = desired
    this.#wish = wish
    if (changed) this.trouble = null
    return changed
  }

  /** Brings the status up to date; the previous one where nothing changed. */
  refreshStatus(reachable: boolean): VolumeStatus {
    const next = this.#computeStatus(this.status.conditions, reachable)
    if (JSON.stringify(next) !== JSON.stringify(this.status)) this.status = next
    return this.status
  }

  /** Nothing of it is left: the last word on it. */
  markReleased(): void {
    this.status = { ...this.status, phase: null, ...released(this.key.volume) }
  }

  #computeStatus(previous: VolumeStatus['conditions'], reachable: boolean): VolumeStatus {
    const { desired, actual, persisted, trouble, waiting } = this
    const nowIso = new Date(this.#clock.now()).toISOString()
    const isOutdated = this.#wish !== null && recordOf(actual)?.fingerprint !== this.#wish.fingerprint
    const facts = { desired, isOutdated, actual, persisted, trouble, waiting, reachable, previous, nowIso }
    return volumeStatus({ ...facts, name: this.key.volume, stages: this.timeline.stages })
  }
}

function isSameWish(a: Wish | null, b: Wish | null): boolean {
  return isSameImpediment(a?.blocked, b?.blocked) && a?.fillBytes === b?.fillBytes && a?.fingerprint === b?.fingerprint && a?.persist === b?.persist
}
