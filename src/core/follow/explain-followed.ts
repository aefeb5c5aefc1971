import { isReason, type Reason, REASONS } from '../../errors.ts'
import type { Explanation } from '../../model/explanation.ts'
import type { VmKey } from '../../model/ids.ts'
import type { VolumeStatus } from '../../model/status.ts'
import type { FollowFacts } from './follow-stage.ts'
import { obstacleOf } from './follow-trouble.ts'
import { plain } from './kubevirt-words.ts'
import { lastStage, type Way } from './way.ts'

/** Everything that a followed volume is explained by. */
export interface ExplainFollowed {
  readonly vm: VmKey
  readonly status: VolumeStatus
  readonly facts: FollowFacts
  readonly way: Way
}

/** One answer for a person at night, about a volume that KubeVirt plugs and hotplugd only watches. Pure. */
export function explainFollowed(followed: ExplainFollowed): Explanation {
  const { vm, status, facts, way } = followed
  const obstacle = obstacleOf(facts)
  const reason = isReason(status.reason) ? status.reason : 'InternalError'
  return {
    vm,
    volume: status.name,
    summary: summary(followed, obstacle?.cause ?? status.message),
    phase: status.phase,
    reason,
    message: obstacle?.cause ?? status.message,
    remedy: REASONS[reason].remedy,
    since: status.conditions.find(({ type }) => type === 'Ready')?.lastTransitionTime ?? null,
    wanted: wanted(facts),
    reached: lastStage(way),
    evidence: evidence(facts),
    next: next(status.phase === 'Ready' && obstacle === null, reason),
    attempts: 0,
    besides: [],
  }
}

function summary({ vm, status, facts }: ExplainFollowed, cause: string): string {
  if (status.phase === 'Ready') return `${status.name} is in the guest of ${vm} as ${status.target}, serial ${status.serial ?? ''}.`
  if (facts.disk) return `${status.name} is in the guest as ${facts.disk.target}: ${cause}`
  return status.phase === 'Detaching' ? `${status.name} is on its way out: ${cause}` : `${status.name} is not in the guest: ${cause}`
}

function wanted({ spec }: FollowFacts): string {
  if (spec === null) return 'Nothing: the VirtualMachineInstance has this volume no more.'
  const how = [spec.disk.readonly ? 'read-only' : '', spec.disk.shareable ? 'shareable' : ''].filter(Boolean)
  return `claim ${spec.claim} with serial ${spec.disk.serial}${how.length > 0 ? `, ${how.join(', ')}` : ''}, asked for by the VirtualMachineInstance.`
}

function evidence({ entry, pod, exposed, disk, failure, hasLauncher }: FollowFacts): Explanation['evidence'] {
  return {
    kubevirtPhase: entry?.phase ?? null,
    kubevirtReason: entry?.reason ?? null,
    kubevirtMessage: entry?.message ?? null,
    attachmentPod: pod?.name ?? entry?.hotplug?.podName ?? null,
    attachmentPodUid: entry?.hotplug?.podUid ?? null,
    attachmentPodReady: pod?.ready ?? null,
    launcherFound: hasLauncher,
    exposedInLauncher: exposed,
    libvirtLists: disk === undefined ? 'not known' : (disk?.target ?? 'no'),
    path: disk?.source ?? null,
    kubevirtFailure: failure === null ? null : `${failure.reason} ${plain(failure.message)}`,
  }
}

/** What KubeVirt's virt-handler never comes back to by itself. */
const NEVER: readonly Reason[] = ['NotDeclaredHotpluggable', 'DiskNotListed', 'InvalidSerial']

function next(isDone: boolean, reason: Reason): string {
  if (isDone) return 'Nothing: all is as wanted.'
  if (NEVER.includes(reason)) return 'Nothing by itself: KubeVirt leaves it at that, and hotplugd only watches here.'
  return "hotplugd only watches here: KubeVirt's virt-handler goes on as soon as it can."
}
