import type { Condition, VolumeStatus } from '../../model/status.ts'
import type { PatchOperation } from './json-patch.ts'
import type { VmiEntry } from './vmi-entry.ts'
import { type Failure, failureOf, isOwnReason } from './vmi-failure.ts'

/** What the agent may say in an entry. */
export type EntryWords = Pick<VmiEntry, 'phase' | 'reason' | 'message' | 'target'>

/** What an entry is made from. */
export interface EntryFacts {
  readonly entry: VmiEntry
  /** The spec still has the volume. */
  readonly isWanted: boolean
  /** What the engine says of it; null: it knows of no such volume, and no such disk is in the domain. */
  readonly status: VolumeStatus | null
  /** libvirt has been silent for so long that it is to be said. */
  readonly isSilent: boolean
}

/** A change of one entry. */
export interface EntryChange {
  readonly entry: VmiEntry
  readonly words: EntryWords
}

/** Phases in which the controller keeps the attachment pod: nothing but the agent ends them. */
const HELD: readonly string[] = ['MountedToPod', 'Ready']
/** In these the controller writes reason and message itself, over and over. */
const CONTROLLERS: readonly string[] = ['', 'Pending', 'Bound', 'Detaching']

/**
 * What is to be written into an entry now; null: nothing. Phases only go forward; what went wrong is told in reason and
 * message. Pure: with the entry as the API server has it, whoever wrote it last.
 */
export function entryChange(facts: EntryFacts): EntryChange | null {
  const { entry } = facts
  const words = entry.hotplug === null ? ordinary(facts) : hotplugged(facts)
  const isSame = (['phase', 'reason', 'message', 'target'] as const).every((key) => words[key] === entry[key])
  return isSame ? null : { entry, words }
}

/** The change as a patch: of this entry alone, and only if nobody has changed it since. */
export function entryPatch({ entry, words }: EntryChange): PatchOperation[] {
  const path = `/status/volumeStatus/${entry.index}`
  const tests = [['name', entry.name] as const, ...(entry.phase === '' ? [] : [['phase', entry.phase] as const])]
  const changed = (['phase', 'reason', 'message', 'target'] as const).filter((key) => words[key] !== entry[key])
  return [
    ...tests.map(([key, value]) => ({ op: 'test' as const, path: `${path}/${key}`, value })),
    ...changed.map((key) => ({ op: 'add' as const, path: `${path}/${key}`, value: words[key] })),
  ]
}

/** A disk that came up with the VM: only where it is. */
function ordinary({ entry, status }: EntryFacts): EntryWords {
  return { ...entry, target: status?.target || entry.target }
}

function hotplugged(facts: EntryFacts): EntryWords {
  return facts.isWanted ? wanted(facts) : unwanted(facts)
}

function unwanted(facts: EntryFacts): EntryWords {
  const { entry, status } = facts
  if (!HELD.includes(entry.phase)) return entry
  if (status === null || status.reason === 'VolumeReleased') return unmounted(entry)
  return { ...entry, ...failure(facts) }
}

function wanted(facts: EntryFacts): EntryWords {
  const { entry, status } = facts
  if (status === null || status.phase === null || entry.phase === 'Detaching') return entry
  const target = status.target || entry.target
  if (isTrue(status, 'Ready')) return { ...ready(entry), target, ...failure(facts) }
  if (isTrue(status, 'Exposed') && status.phase === 'Pending' && !HELD.includes(entry.phase)) return { ...mounted(entry), ...failure(facts) }
  if (CONTROLLERS.includes(entry.phase)) return entry
  return { ...entry, ...(failure(facts) ?? recovered(facts)) }
}

/** Reason and message of what went wrong; null if nothing did. */
function failure({ status, isSilent }: EntryFacts): Failure | null {
  return failureOf(status, isSilent)
}

/** A failure that is over must not stay in the entry while the volume waits for something else. */
function recovered({ entry, status }: EntryFacts): Pick<EntryWords, 'reason' | 'message'> | null {
  const isUnderWay = status?.reason === 'Plugging' || status?.reason === 'Detaching' || status?.reason === 'LibvirtUnavailable'
  if (isUnderWay || !isOwnReason(entry.reason)) return null
  if (entry.phase === 'Ready') return ready(entry)
  return entry.phase === 'MountedToPod' ? mounted(entry) : created(entry)
}

function isTrue(status: VolumeStatus, type: Condition['type']): boolean {
  return status.conditions.some((condition) => condition.type === type && condition.status === 'True')
}

function mounted(entry: VmiEntry): EntryWords {
  return { phase: 'MountedToPod', reason: 'VolumeMountedToPod', message: `Volume ${entry.name} has been mounted in virt-launcher pod`, target: entry.target }
}

function ready(entry: VmiEntry): EntryWords {
  return { phase: 'Ready', reason: 'VolumeReady', message: `Successfully attach hotplugged volume ${entry.name} to VM`, target: entry.target }
}

function unmounted(entry: VmiEntry): EntryWords {
  return { phase: 'UnMountedFromPod', reason: 'VolumeUnMountedFromPod', message: `Volume ${entry.name} has been unmounted from virt-launcher pod`, target: '' }
}

/** What the controller wrote when it made the pod. */
function created(entry: VmiEntry): EntryWords {
  return { ...entry, reason: 'SuccessfulCreate', message: `Created hotplug attachment pod ${entry.hotplug?.podName ?? ''}, for volume ${entry.name}` }
}
