import { type Detail, isReason, REASONS, type Reason } from '../errors.ts'
import type { DesiredVolume, Impediment } from '../model/desired.ts'
import { askerOf } from './asker.ts'
import type { Explanation } from '../model/explanation.ts'
import type { VmKey } from '../model/ids.ts'
import type { VolumeRecord } from '../model/record.ts'
import { describeIdentity, sourceName } from '../model/source.ts'
import type { StageName, VolumeStatus } from '../model/status.ts'
import type { Trouble } from './trouble.ts'

const FOR_A_PERSON = 'Nothing by itself: it waits for a person.'
const READ_BACK = 'The domain is read back every second, and as soon as QEMU says something; the removal is not asked for a second time.'

/** Acts whose names mean nothing to somebody who does not know the engine. */
const WORDS: Readonly<Record<string, string>> = {
  settle: 'reading back what is there',
  'check-removal': 'reading back whether the disk is out',
  adopt: 'taking the disk over',
  release: 'letting the source go',
  persist: 'putting the disk into the definition',
  unpersist: 'taking the disk out of the definition',
  grow: 'telling QEMU the new size',
}

/** Everything an explanation is made of. */
export interface ExplainFacts {
  readonly vm: VmKey
  readonly status: VolumeStatus
  readonly desired: DesiredVolume | null
  readonly record: VolumeRecord | null
  readonly trouble: Trouble | null
  readonly waiting: Impediment | null
  /** The act under way, if any, and for how long. */
  readonly acting: { readonly verb: string; readonly forMs: number } | null
  /** It has something to do, and waits for others of its VM to be done. */
  readonly queued: boolean
  /** Why libvirt cannot be asked; empty while it can. */
  readonly unreachableBecause: string
  /** What else is wrong with the VM, or with what asks for its volumes. */
  readonly besides: readonly string[]
  readonly nowMs: number
}

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
    evidence: { ...sourceEvidence(facts.desired), ...recordEvidence(facts.record), ...trouble?.detail, ...libvirtEvidence(facts) },
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
  const where = status.phase === 'Detaching' ? 'is still in the guest, on its way out' : 'is not in the guest'
  return `${status.name} ${where}: ${cause(facts)}`
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

/** Where it is looked for, as long as nothing was found there. */
function sourceEvidence(desired: DesiredVolume | null): Detail {
  return desired === null ? {} : { path: sourceName(desired.source) }
}

function libvirtEvidence({ unreachableBecause }: ExplainFacts): Detail {
  return unreachableBecause === '' ? {} : { libvirt: unreachableBecause }
}

function recordEvidence(record: VolumeRecord | null): Detail {
  if (record === null) return {}
  const { address, target, alias, exposure, identity, step, process } = record
  return {
    path: exposure.path,
    source: describeIdentity(identity),
    target,
    alias,
    address: `${address.controller}:${address.bus}:${address.target}:${address.unit}`,
    qemuPid: process?.pid ?? null,
    lastJournalStep: step,
  }
}

function next({ trouble, waiting, acting, queued, status, nowMs }: ExplainFacts): string {
  if (acting !== null) return `${wordsFor(acting.verb)} is under way, for ${(acting.forMs / 1000).toFixed(1)} s.`
  if (queued) return 'It is next as soon as one of the acts under way in this VM has ended.'
  if (trouble === null && waiting === null) return atRest(status.phase)
  if (trouble === null) return waiting?.reason === 'PersistentDefinitionChanged' ? FOR_A_PERSON : 'It goes on as soon as what it waits for happens.'
  if (trouble.notBeforeMs === Infinity) return FOR_A_PERSON
  if (trouble.reason === 'DetachPending') return READ_BACK
  const inMs = Math.max(0, trouble.notBeforeMs - nowMs)
  return `${wordsFor(trouble.verb)} is tried again in ${(inMs / 1000).toFixed(1)} s, sooner if something changes (failed ${trouble.attempts} times).`
}

/** Between two acts. */
function atRest(phase: VolumeStatus['phase']): string {
  if (phase === 'Pending') return 'The next step is about to begin.'
  return phase === 'Detaching' ? READ_BACK : 'Nothing: all is as wanted.'
}

function wordsFor(verb: string): string {
  return WORDS[verb] ?? verb
}
