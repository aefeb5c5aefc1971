import type { Condition, Phase, Stage, VolumeStatus } from '../../model/status.ts'
import type { DesiredVolume, Impediment } from '../../model/desired.ts'
import { sourceName } from '../../model/source.ts'
import type { PersistedDisk } from '../../model/record.ts'
import { REASONS, type Reason } from '../../errors.ts'
import { type Actual, recordOf } from './actual.ts'
import { type ConditionFacts, holds, lacks, withTransitions } from './conditions.ts'
import type { Trouble } from './trouble.ts'
import { waitMessage } from './waits.ts'

/** Everything the status of one hot-plugged volume is made of. */
export interface StatusFacts {
  readonly name: string
  readonly desired: DesiredVolume | null
  /** What is plugged comes from an earlier wish under the name, and is to go out. */
  readonly isOutdated: boolean
  readonly actual: Actual
  readonly persisted: PersistedDisk | null
  readonly trouble: Trouble | null
  /** Why nothing is done at present; null while something is, or all is well. */
  readonly waiting: Impediment | null
  readonly reachable: boolean
  readonly stages: readonly Stage[]
  readonly previous: readonly Condition[]
  readonly nowIso: string
}

/** Reasons of a disk that stays because nobody took it back for certain. */
export const KEPT: readonly string[] = ['ManifestsUnreadable', 'VmiInvalid', 'VmiUnknown', 'VmiElsewhere']

interface Verdict {
  readonly phase: Phase
  readonly reason: Reason
  readonly message: string
}

/** The status of one volume. Pure. */
export function volumeStatus(facts: StatusFacts): VolumeStatus {
  const record = recordOf(facts.actual)
  const verdict = judge(facts)
  const standard = isStandard(facts.actual)
  return {
    name: facts.name,
    target: record?.target ?? '',
    serial: record?.serial ?? facts.desired?.disk.serial ?? null,
    hotplugged: !standard,
    phase: standard ? null : verdict.phase,
    reason: verdict.reason,
    message: verdict.message,
    ...(facts.trouble !== null && { remedy: facts.trouble.remedy }),
    conditions: withTransitions(conditionsOf(facts, verdict), facts.previous, facts.nowIso),
    stages: facts.stages,
    source: facts.desired === null ? (record?.exposure.path ?? null) : sourceName(facts.desired.source),
    sizeBytes: record?.sizeBytes ?? null,
    origin: originOf(facts.desired),
    persisted: facts.persisted?.state === 'done',
    ...(facts.desired === null ? {} : { wish: { source: facts.desired.source, disk: facts.desired.disk } }),
  }
}

function originOf(desired: DesiredVolume | null): string | null {
  if (desired === null) return null
  return desired.origin.kind === 'manifest' ? desired.origin.file : desired.origin.kind
}

function judge(facts: StatusFacts): Verdict {
  const phase = phaseOf(facts)
  if (facts.trouble !== null) return { phase, reason: facts.trouble.reason, message: sentence(facts.trouble) }
  if (facts.waiting !== null) return { phase, reason: facts.waiting.reason, message: waitMessage(facts.waiting) }
  const unheld = facts.desired?.unheld
  if (phase === 'Ready' && unheld !== undefined) return { phase, reason: unheld.reason, message: waitMessage(unheld) }
  if (isReleased(facts)) return { phase, ...released(facts.name) }
  if (phase === 'Ready' && isStandard(facts.actual)) return { phase, reason: 'VolumeReady', message: `Disk ${facts.name} came up with the VM, from its definition` }
  return { phase, ...progress(facts.name, phase) }
}

/** Nothing is left of it; it is shown a moment longer, with its last stages. */
function isReleased({ desired, actual, persisted, stages }: StatusFacts): boolean {
  return desired === null && persisted === null && actual.kind === 'absent' && stages.some(({ name }) => name === 'released')
}

/** The last word on a volume. */
export function released(name: string): Pick<Verdict, 'reason' | 'message'> {
  return { reason: 'VolumeReleased', message: `Volume ${name} has left the VM` }
}

/** By now one of the VM's own disks. */
function isStandard(actual: Actual): boolean {
  return recordOf(actual)?.hotplugged === false
}


function phaseOf(facts: StatusFacts): Phase {
  const { actual, desired } = facts
  if (actual.kind === 'detaching') return 'Detaching'
  const isIn = actual.kind === 'plugged' && !actual.condemned
  if (isIn && KEPT.includes(facts.waiting?.reason ?? '')) return 'Ready'
  if (desired === null || (actual.kind === 'plugged' && facts.isOutdated)) return 'Detaching'
  return isIn ? 'Ready' : 'Pending'
}

/** What is said of a volume with which nothing is wrong. */
export function progress(name: string, phase: Phase): { reason: Reason; message: string } {
  switch (phase) {
    case 'Ready':
      return { reason: 'VolumeReady', message: `Successfully attach hotplugged volume ${name} to VM` }
    case 'Pending':
      return { reason: 'Plugging', message: `Volume ${name} is on its way into the VM` }
    case 'Detaching':
      return { reason: 'Detaching', message: `Volume ${name} is on its way out of the VM` }
  }
}

/** Cause and remedy in one message, since a status has only one. */
function sentence(trouble: Trouble): string {
  return `${trouble.message}. ${trouble.remedy}`
}

function conditionsOf(facts: StatusFacts, verdict: Verdict): ConditionFacts[] {
  return [sourceReady(facts, verdict), exposed(facts, verdict), attached(facts, verdict), ready(facts, verdict)]
}

function sourceReady(facts: StatusFacts, verdict: Verdict): ConditionFacts {
  const record = recordOf(facts.actual)
  if (facts.trouble?.stage === 'discovered') return lacks('SourceReady', verdict.reason, verdict.message)
  const unheld = facts.desired?.unheld
  if (unheld !== undefined) return lacks('SourceReady', unheld.reason, unheld.cause)
  if (record !== null) return holds('SourceReady', 'SourceFound', `${record.exposure.path} was found and proven`)
  return lacks('SourceReady', verdict.reason, verdict.message, 'Unknown')
}

function exposed(facts: StatusFacts, verdict: Verdict): ConditionFacts {
  const record = recordOf(facts.actual)
  if (record === null || facts.actual.kind === 'gone') return lacks('Exposed', verdict.reason, verdict.message)
  if (record.step === 'exposing') return lacks('Exposed', verdict.reason, verdict.message, 'Unknown')
  return holds('Exposed', 'SourceExposed', `the VM reaches it as ${record.exposure.path}`)
}

function attached(facts: StatusFacts, verdict: Verdict): ConditionFacts {
  const { actual } = facts
  const listed = actual.kind === 'plugged' || actual.kind === 'detaching'
  if (!listed) return lacks('Attached', verdict.reason, verdict.message, actual.kind === 'unproven' ? 'Unknown' : 'False')
  if (!facts.reachable) return lacks('Attached', 'LibvirtUnavailable', REASONS.LibvirtUnavailable.remedy, 'Unknown')
  return holds('Attached', 'DiskListed', `libvirt lists the disk as ${actual.record.target}`)
}

function ready(facts: StatusFacts, verdict: Verdict): ConditionFacts {
  if (verdict.phase !== 'Ready') return lacks('Ready', verdict.reason, verdict.message)
  if (!facts.reachable) return lacks('Ready', 'LibvirtUnavailable', REASONS.LibvirtUnavailable.remedy, 'Unknown')
  return holds('Ready', 'VolumeReady', verdict.message)
}

