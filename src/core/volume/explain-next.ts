import type { VolumeStatus } from '../../model/status.ts'
import type { ExplainFacts } from './explain-facts.ts'
import { FOR_A_PERSON, nextAfter } from './waits.ts'

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

/** What happens by itself, and when. */
export function next(facts: ExplainFacts): string {
  const { trouble, waiting, acting, queued, status, nowMs } = facts
  if (acting !== null) return `${wordsFor(acting.verb)} is under way, for ${(acting.forMs / 1000).toFixed(1)} s.`
  if (queued) return 'It is next as soon as one of the acts under way in this VM has ended.'
  if (facts.untold !== null) return 'The status is written again within seconds, and at the next change of the VirtualMachineInstance.'
  if (waiting?.reason === 'SourceNotHeld') return unheldNext(facts)
  if (trouble === null) return waiting === null ? atRest(status.phase) : nextAfter(waiting)
  if (trouble.notBeforeMs === Infinity) return FOR_A_PERSON
  if (trouble.reason === 'DetachPending') return READ_BACK
  const inMs = Math.max(0, trouble.notBeforeMs - nowMs)
  return `${wordsFor(trouble.verb)} is tried again in ${(inMs / 1000).toFixed(1)} s, sooner if something changes (failed ${trouble.attempts === 1 ? 'once' : `${trouble.attempts} times`}).`
}

/** Between two acts. */
function atRest(phase: VolumeStatus['phase']): string {
  if (phase === 'Pending') return 'The next step is about to begin.'
  return phase === 'Detaching' ? READ_BACK : 'Nothing: all is as wanted.'
}

function wordsFor(verb: string): string {
  return WORDS[verb] ?? verb
}

function unheldNext({ stopsAtMs, nowMs }: ExplainFacts): string {
  const end = 'It is over as soon as an attachment pod holds the claim again.'
  if (stopsAtMs === null) return `The disk stays. ${end}`
  return stopsAtMs > nowMs ? `The VM is asked to shut down in ${((stopsAtMs - nowMs) / 1000).toFixed(1)} s. ${end}` : `The VM was asked to shut down. ${end}`
}
