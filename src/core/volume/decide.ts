import type { Actual } from './actual.ts'
import type { DesiredVolume, Impediment } from '../../model/desired.ts'
import type { PersistedDisk, VolumeRecord } from '../../model/record.ts'
import { waitFor } from './waits.ts'

/** What is known of the VM when one of its volumes is decided upon. */
export interface VmFacts {
  /** Its libvirt answers, and the domain was read since it last came within reach. */
  readonly reachable: boolean
  readonly state: 'running' | 'off' | 'saved' | 'missing'
  readonly uuid: string | null
  /** Why nothing at all may be changed in it at present. */
  readonly held: Impediment | null
}

/** The part of a wish that decisions rest on, with `fingerprint()` of the whole. */
export type Wish = Pick<DesiredVolume, 'persist' | 'vmUid'> & { readonly fingerprint: string; readonly blocked: Impediment | null; readonly fillBytes: number }

/** Everything a decision about one volume rests on. */
export interface VolumeFacts {
  readonly vm: VmFacts
  readonly desired: Wish | null
  readonly actual: Actual
  readonly persisted: PersistedDisk | null
  /** The live domain lists a disk under this volume's alias that no record tells of. */
  readonly unrecorded: boolean
  /** It is known to have been wanted once, and that it is to go. */
  readonly leaving: boolean
  /** The persistent definition lists a disk under this volume's alias. */
  readonly defined: boolean
  /** Why it is not taken for unwanted although nothing asks for it. Null: whatever asked for it was read, and does not ask any more. */
  readonly kept: Impediment | null
  readonly hotplugEnabled: boolean
  /** The disk's source has grown, and stayed so. */
  readonly grown: boolean
  /** The act that failed last, and the time (monotonic ms) before which it is not tried again. */
  readonly held: { readonly verb: Verb; readonly untilMs: number } | null
  readonly nowMs: number
}

/** The names of all acts that a decision may ask for, which are also `operation` in the metrics. */
export const VERB_NAMES = ['plug', 'adopt', 'settle', 'unplug', 'check-removal', 'release', 'persist', 'unpersist', 'grow'] as const
/** An act upon one volume; the file of that name in `src/agent/verbs/` does it. */
export type Verb = (typeof VERB_NAMES)[number]

/** The next act for a volume, or why there is none. `wait` with a reason is said in the status. */
export type Decision =
  | { readonly do: Verb }
  | { readonly do: 'wait'; readonly for: Impediment }
  | { readonly do: 'rest' }
  | { readonly do: 'forget' }

const REST: Decision = { do: 'rest' }

/** The next act for one volume. Pure: same facts, same decision. Only the act that failed is held back, no other. */
export function decide(facts: VolumeFacts): Decision {
  if (!facts.vm.reachable) return { do: 'wait', for: waitFor('LibvirtUnavailable') }
  const decision = decideReachable(facts)
  const held = facts.held !== null && facts.held.verb === decision.do && facts.nowMs < facts.held.untilMs
  return held ? REST : decision
}

function decideReachable(facts: VolumeFacts): Decision {
  const { actual, vm } = facts
  if (vm.held !== null && (facts.desired !== null || actual.kind !== 'absent')) return { do: 'wait', for: vm.held }
  if (actual.kind === 'absent') return decideAbsent(facts)
  if (vm.state === 'saved') return { do: 'wait', for: waitFor('VmSaved') }
  switch (actual.kind) {
    case 'unproven':
      return { do: 'settle' }
    case 'gone':
      return { do: 'release' }
    case 'detaching':
      return actual.check ? { do: 'check-removal' } : REST
    case 'plugged':
      return actual.condemned ? { do: 'unplug' } : decidePlugged(facts, actual.record)
  }
}

function decidePlugged(facts: VolumeFacts, record: VolumeRecord): Decision {
  const { desired } = facts
  if (facts.vm.state !== 'running') return { do: 'settle' }
  if (desired === null) return decideUnwanted(facts)
  if (desired.fingerprint !== record.fingerprint) return { do: facts.persisted === null ? 'unplug' : 'unpersist' }
  if (desired.persist && needsPersisting(facts)) return { do: 'persist' }
  if (!desired.persist && facts.persisted !== null) return { do: 'unpersist' }
  if (facts.grown || isToFill(desired, record)) return { do: 'grow' }
  return takenOut(facts) ?? REST
}

/** The image is smaller than what holds it has room for. */
function isToFill({ fillBytes }: Wish, { exposure, format, readonly, sizeBytes }: VolumeRecord): boolean {
  return fillBytes > sizeBytes && exposure.kind === 'file' && format === 'raw' && !readonly
}

/** Out of the definition first: were it the other way round, a VM that restarts in between would have the disk again. */
function decideUnwanted(facts: VolumeFacts): Decision {
  if (facts.kept !== null) return { do: 'wait', for: facts.kept }
  return facts.persisted === null ? { do: 'unplug' } : { do: 'unpersist' }
}

/** A disk that was put into the definition and is there no more was taken out by a person: said, not undone. */
function takenOut(facts: VolumeFacts): Decision | null {
  const isOut = facts.persisted?.state === 'done' && !facts.defined
  return isOut ? { do: 'wait', for: waitFor('PersistentDefinitionChanged') } : null
}

function needsPersisting(facts: VolumeFacts): boolean {
  return facts.persisted === null || facts.persisted.state === 'intended'
}

function decideAbsent(facts: VolumeFacts): Decision {
  const { desired, vm } = facts
  if (desired === null) return decideLeftover(facts)
  if (vm.state === 'missing') return { do: 'wait', for: desired.blocked ?? waitFor('VmNotFound') }
  if (desired.vmUid !== null && desired.vmUid !== vm.uuid) return { do: 'wait', for: waitFor('VmReplaced') }
  if (vm.state === 'saved') return { do: 'wait', for: waitFor('VmSaved') }
  if (vm.state === 'off') return decideOff(facts, desired)
  if (facts.unrecorded) return { do: 'adopt' }
  if (isStale(facts.persisted, desired)) return { do: 'unpersist' }
  if (desired.blocked !== null) return { do: 'wait', for: desired.blocked }
  return facts.hotplugEnabled ? { do: 'plug' } : { do: 'wait', for: waitFor('HotplugDisabled') }
}

function decideOff(facts: VolumeFacts, desired: Wish): Decision {
  if (isStale(facts.persisted, desired)) return { do: 'unpersist' }
  if (desired.persist && needsPersisting(facts)) {
    return facts.hotplugEnabled ? { do: 'persist' } : { do: 'wait', for: waitFor('HotplugDisabled') }
  }
  if (!desired.persist && facts.persisted !== null) return { do: 'unpersist' }
  return takenOut(facts) ?? { do: 'wait', for: desired.blocked ?? waitFor('VmNotRunning') }
}

/** The definition holds the disk of an earlier wish under this name: that one goes first. */
function isStale(persisted: PersistedDisk | null, desired: Wish): boolean {
  return persisted !== null && persisted.fingerprint !== desired.fingerprint
}

/** Nothing is wanted and nothing plugged; what may be left is our own entry in the persistent definition. */
function decideLeftover(facts: VolumeFacts): Decision {
  if (facts.persisted === null) return decideLeaving(facts)
  if (facts.kept !== null) return REST
  if (facts.vm.state === 'saved') return { do: 'wait', for: waitFor('VmSaved') }
  if (facts.vm.state === 'running' && facts.unrecorded) return { do: 'adopt' }
  return { do: 'unpersist' }
}

/** A disk that no record tells of is taken over, to be taken out, only where it is known to have been wanted once. */
function decideLeaving({ leaving, unrecorded, kept, vm }: VolumeFacts): Decision {
  if (!leaving || !unrecorded) return { do: 'forget' }
  const impediment = vm.held ?? (vm.state === 'saved' ? waitFor('VmSaved') : kept)
  if (impediment !== null) return { do: 'wait', for: impediment }
  return { do: vm.state === 'running' ? 'adopt' : 'forget' }
}
