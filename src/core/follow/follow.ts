import type { Impediment } from '../../model/desired.ts'
import type { VmKey } from '../../model/ids.ts'
import type { ClaimSource } from '../../model/source.ts'
import type { Condition, Phase, VolumeStatus } from '../../model/status.ts'
import { type ConditionFacts, holds, lacks, withTransitions } from '../volume/conditions.ts'
import { type FollowFacts, isExposed, isPodReady, isReported, isWithdrawn } from './follow-stage.ts'
import { obstacleOf } from './follow-trouble.ts'
import { progress } from '../volume/volume-status.ts'
import { waitMessage } from '../volume/waits.ts'
import type { Way } from './way.ts'

/** What was known of a volume before the present look. */
export interface Followed {
  readonly vm: VmKey
  readonly facts: FollowFacts
  readonly way: Way
  readonly previous: readonly Condition[]
  readonly nowIso: string
}

interface Verdict {
  readonly phase: Phase
  readonly reason: string
  readonly message: string
}

/** The status of a volume that somebody else takes in and out: the same words as for a volume of hotplugd's own. Pure. */
export function followedStatus(followed: Followed): VolumeStatus {
  const { facts, way, vm } = followed
  const { name, spec, entry, disk } = facts
  const verdict = judge(facts)
  const source = spec === null ? null : claimSource(vm, name, spec.claim)
  return {
    name,
    target: disk?.target ?? entry?.target ?? '',
    serial: disk?.serial ?? spec?.disk.serial ?? null,
    hotplugged: true,
    ...verdict,
    conditions: withTransitions(conditionsOf(facts, verdict), followed.previous, followed.nowIso),
    stages: way.stages,
    source: spec === null ? null : `claim ${spec.claim}`,
    sizeBytes: null,
    origin: spec === null ? null : 'vmi',
    persisted: false,
    ...(spec === null || source === null ? {} : { wish: { source, disk: spec.disk } }),
  }
}

function claimSource(vm: VmKey, volume: string, claim: string): ClaimSource {
  return { kind: 'claim', vm, volume, claim, format: 'raw' }
}

function judge(facts: FollowFacts): Verdict {
  const phase = phaseOf(facts)
  const obstacle = obstacleOf(facts)
  if (obstacle !== null) return { phase, reason: obstacle.reason, message: waitMessage(obstacle) }
  return { phase, ...progress(facts.name, phase) }
}

function phaseOf(facts: FollowFacts): Phase {
  if (facts.spec === null) return 'Detaching'
  return isReported(facts) ? 'Ready' : 'Pending'
}

function conditionsOf(facts: FollowFacts, verdict: Verdict): ConditionFacts[] {
  return [sourceReady(facts, verdict), exposed(facts, verdict), attached(facts, verdict), ready(facts, verdict)]
}

function sourceReady(facts: FollowFacts, { reason, message }: Verdict): ConditionFacts {
  const obstacle = obstacleOf(facts)
  const isBad = obstacle !== null && OF_THE_SOURCE.includes(obstacle.reason)
  const name = facts.pod?.name ?? facts.entry?.hotplug?.podName ?? ''
  return isPodReady(facts) && !isBad ? holds('SourceReady', 'SourceFound', `attachment pod ${name} is ready`) : lacks('SourceReady', reason, message)
}

/** Obstacles that lie in what the claim holds. */
const OF_THE_SOURCE: readonly Impediment['reason'][] = ['ImageIsDirectory', 'ImageMissing', 'SourceMissing', 'WrongKindOfDevice', 'PermissionDenied']

function exposed(facts: FollowFacts, { reason, message }: Verdict): ConditionFacts {
  if (isExposed(facts)) return holds('Exposed', 'SourceExposed', 'the launcher has it')
  const isKnown = facts.exposed !== null || facts.entry === null || isWithdrawn(facts.entry) || facts.spec !== null
  return lacks('Exposed', reason, message, isKnown ? 'False' : 'Unknown')
}

function attached({ disk }: FollowFacts, { reason, message }: Verdict): ConditionFacts {
  if (disk === undefined) return lacks('Attached', 'LibvirtUnavailable', 'the libvirt of the VM does not answer', 'Unknown')
  return disk === null ? lacks('Attached', reason, message) : holds('Attached', 'DiskListed', `libvirt lists the disk as ${disk.target}`)
}

function ready({ disk }: FollowFacts, { phase, reason, message }: Verdict): ConditionFacts {
  if (phase !== 'Ready') return lacks('Ready', reason, message)
  if (disk === undefined) return lacks('Ready', 'LibvirtUnavailable', 'the libvirt of the VM does not answer', 'Unknown')
  return holds('Ready', 'VolumeReady', message)
}
