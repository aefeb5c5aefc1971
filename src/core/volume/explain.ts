import { isReason, REASONS, type Reason } from '../../errors.ts'
import type { Impediment } from '../../model/desired.ts'
import type { Explanation } from '../../model/explanation.ts'
import { sourceName } from '../../model/source.ts'
import type { StageName, VolumeStatus } from '../../model/status.ts'
import { askerOf } from './asker.ts'
import { evidence } from './explain-evidence.ts'
import type { ExplainFacts } from './explain-facts.ts'
import { next } from './explain-next.ts'
import { KEPT } from './volume-status.ts'

/** One answer for a person at night: what is wanted, how far it got, what stopped it, what happens next. Pure. */
export function explain(given: ExplainFacts): Explanation {
  const facts = whole(given)
  const { vm, status, trouble } = facts
  const reason = reasonOf(facts)
  return {
    vm,
    volume: status.name,
    summary: summary(facts),
    phase: status.phase,
    reason,
    message: cause(facts),
    remedy: trouble?.remedy ?? facts.untold?.remedy ?? REASONS[reason].remedy,
    since: trouble?.since ?? since(facts),
    wanted: wanted(facts),
    reached: reached(facts),
    evidence: evidence(facts),
    next: next(facts),
    attempts: trouble?.attempts ?? 0,
    besides: facts.besides,
  }
}

/** What is not told where it belongs is the trouble only where nothing else is; a source that is not held is waited for. */
function whole(facts: ExplainFacts): ExplainFacts {
  const { status, trouble, desired } = facts
  const waiting = facts.waiting ?? (status.phase === 'Ready' ? (desired?.unheld ?? null) : null)
  const isWell = trouble === null && waiting === null && facts.acting === null && !facts.queued && status.hotplugged
  return { ...facts, waiting, untold: isWell ? facts.untold : null }
}

function reasonOf({ status, record, untold }: ExplainFacts): Reason {
  if (!status.hotplugged && record === null) return 'NotHotplugged'
  if (untold !== null) return untold.reason
  return isReason(status.reason) ? status.reason : 'InternalError'
}

/** A volume that was found plugged after a restart of the agent has passed every stage, although not before its eyes. */
function reached({ status: { stages, phase }, untold }: ExplainFacts): StageName | null {
  if (phase === 'Detaching' && stages[0]?.name !== 'detached') return null
  const last = stages.findLast(({ name }) => untold === null || name !== 'reported')?.name
  return last ?? (phase === 'Ready' ? (untold === null ? 'reported' : 'attached') : null)
}

function since({ status, waiting }: ExplainFacts): string | null {
  const type = waiting?.reason === 'SourceNotHeld' ? 'SourceReady' : 'Ready'
  return status.conditions.find((condition) => condition.type === type)?.lastTransitionTime ?? null
}

/** Without the remedy, which is told beside it. */
function cause({ trouble, waiting, status, untold, unreachableBecause }: ExplainFacts): string {
  if (trouble !== null) return trouble.message
  if (untold !== null) return `its status cannot be told: ${untold.message}`
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
  if (status.phase === 'Detaching') return leaving(status)
  const isOpen = record?.step === 'attached' || status.reason === 'OutcomeUncertain'
  return isOpen ? 'is not known to be in the guest' : 'is not in the guest'
}

function leaving({ conditions }: VolumeStatus): string {
  const isOut = conditions.some(({ type, status: holds }) => type === 'Attached' && holds === 'False')
  return isOut ? 'has left the guest and is not released yet' : 'is still in the guest, on its way out'
}

/** What is to be said of a volume that is in the guest all the same. */
function hitch(facts: ExplainFacts): string {
  return facts.trouble === null && facts.waiting === null && facts.untold === null ? '' : `; ${cause(facts)}`
}

function wanted({ desired, waiting }: ExplainFacts): string {
  if (desired === null && KEPT.includes(waiting?.reason ?? '')) return 'Nothing any more, as far as can be seen, which is not certain.'
  if (desired === null) return 'Nothing: nobody asks for this volume.'
  const how = [desired.disk.readonly ? 'read-only' : '', desired.disk.shareable ? 'shareable' : '', desired.persist ? 'persisted' : ''].filter(Boolean)
  return `${sourceName(desired.source)} (${desired.source.format}) with serial ${desired.disk.serial}${how.length > 0 ? `, ${how.join(', ')}` : ''}, asked for by ${askerOf(desired.origin)}.`
}
