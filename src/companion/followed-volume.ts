import type { FollowFacts } from '../core/follow/follow-stage.ts'
import { seenOf } from '../core/follow/follow-stage.ts'
import { followedStatus } from '../core/follow/follow.ts'
import { advance, firstSight, isOver, type Moment, type Way } from '../core/follow/way.ts'
import { type VolumeKey, volumeId } from '../model/ids.ts'
import type { Stage, VolumeStatus } from '../model/status.ts'

/** One volume that is followed on its way. */
export class FollowedVolume {
  readonly key: VolumeKey
  readonly id: string
  #facts: FollowFacts
  #way: Way
  #status: VolumeStatus

  constructor(key: VolumeKey, facts: FollowFacts, now: Moment) {
    const { direction, level } = seenOf(facts)
    this.key = key
    this.id = volumeId(key)
    this.#facts = facts
    this.#way = firstSight(direction, level, now)
    this.#status = this.#compute([], now)
  }

  get facts(): FollowFacts {
    return this.#facts
  }

  get way(): Way {
    return this.#way
  }

  get status(): VolumeStatus {
    return this.#status
  }

  /** It left the guest and the launcher, its status says so, and nobody asks for it. */
  get isGone(): boolean {
    const { spec, entry, disk, exposed } = this.#facts
    return spec === null && entry === null && !disk && exposed !== true && isOver(this.#way)
  }

  /** Somebody has still to do something about it. */
  get isUnderWay(): boolean {
    return !isOver(this.#way)
  }

  /** One more look; answers with the stages that were passed by it. */
  see(facts: FollowFacts, now: Moment): readonly Stage[] {
    const before = this.#way
    this.#facts = facts
    this.#way = advance(before, seenOf(facts), now)
    const next = this.#compute(this.#status.conditions, now)
    if (JSON.stringify(next) !== JSON.stringify(this.#status)) this.#status = next
    return this.#way.direction === before.direction ? this.#way.stages.slice(before.stages.length) : this.#way.stages
  }

  #compute(previous: VolumeStatus['conditions'], now: Moment): VolumeStatus {
    return followedStatus({ vm: this.key.vm, facts: this.#facts, way: this.#way, previous, nowIso: now.iso })
  }
}
