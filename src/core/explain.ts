import { isReason, REASONS, type Reason } from '../errors.ts'
import type { Impediment } from '../model/desired.ts'
import type { Explanation } from '../model/explanation.ts'
import { sourceName } from '../model/source.ts'
import type { StageName, VolumeStatus } from '../model/status.ts'
import { askerOf } from './asker.ts'
import { evidence } from './explain-evidence.ts'
import type { ExplainFacts } from './explain-facts.ts'
import { next } from './explain-next.ts'

/** One answer for a person at night: what is wanted, how far it got, what stopped it, what happens next. Pure. */
export function explain(facts: ExplainFacts): Explanation {
  const { vm, status, trouble } = facts
  const reason = reasonOf(facts)
  return {
    vm,
    volume: status.name,
    summary: summary(facts),
    phase: status.phase,
    reason,
    message: cause(facts),
    remedy: trouble?.remedy ?? REASONS[reason].remedy,
    since: trouble?.since ?? status.conditions.find(({ type }) => type === 'Ready')?.lastTransitionTime ?? null,
    wanted: wanted(facts),
    reached: reached(status),
    evidence: evidence(facts),
    next: next(facts),
    attempts: trouble?.attempts ?? 0,
    besides: facts.besides,
  }
}

function reasonOf({ status, record }: ExplainFacts): Reason {
  if (!status.hotplugged && record === null) return 'NotHotplugged'
  return isReason(status.reason) ? status.reason : 'InternalError'
}

/** A volume that was found plugged after a restart of the agent has passed every stage, although not before its eyes. */
function reached({ stages, phase }: VolumeStatus): StageName | null {
  if (phase === 'Detaching' && stages[0]?.name !== 'detached') return null
  return stages.at(-1)?.name ?? (phase === 'Ready' ? 'reported' : null)
}

/** Without the remedy, which is told beside it. */
function cause({ trouble, waiting, status, unreachableBecause }: ExplainFacts): string {
  if (trouble !== null) return trouble.message
  if (waiting === null) return status.message
  return isAway(waiting) && unreachableBecause !== '' ? `${waiting.cause}: ${unreachableBecause}` : waiting.cause
}

function isAway(waiting: Impediment | null): boolean {
  return waiting?.reason === 'LibvirtUnavailable'
}

function summary(facts: ExplainFacts): string {
  const { status, vm, record } = facts
  if (!status.hotplugged) return `${status.name} is an ordinary disk of ${vm} (${status.target})${record === null ? '' : ', persisted by hotplugd'}.`
  if (status.phase === 'Ready') return `${status.name} ${isAway(facts.waiting) ? 'was' : 'is'} in the guest as ${status.target}, serial ${status.serial ?? ''}${hitch(facts)}.`
  return isProgress(facts) ? `${cause(facts)}.` : `${status.name} ${whereabouts(facts)}: ${cause(facts)}`
}

function isProgress({ trouble, waiting }: ExplainFacts): boolean {
  return trouble === null && waiting === null
}

/** Never more than is known. */
function whereabouts({ status, record }: ExplainFacts): string {
  if (status.reason === 'StillOpen') return 'has left the guest, and its source is not free yet'
  if (status.phase === 'Detaching') return 'is still in the guest, on its way out'
  const isOpen = record?.step === 'attached' || status.reason === 'OutcomeUncertain'
  return isOpen ? 'is not known to be in the guest' : 'is not in the guest'
}

/** What is to be said of a volume that is in the guest all the same. */
function hitch(facts: ExplainFacts): string {
  return facts.trouble === null && facts.waiting === null ? '' : `; ${cause(facts)}`
}

function wanted({ desired }: ExplainFacts): string {
  if (desired === null) return 'Nothing: nobody asks for this volume.'
  const how = [desired.disk.readonly ? 'read-only' : '', desired.disk.shareable ? 'shareable' : '', desired.persist ? 'persisted' : ''].filter(Boolean)
  return `${sourceName(desired.source)} (${desired.source.format}) with serial ${desired.disk.serial}${how.length > 0 ? `, ${how.join(', ')}` : ''}, asked for by ${askerOf(desired.origin)}.`
}
