import t from 'tap'
import { ABSENT, type Actual } from '../../../src/core/volume/actual.ts'
import { decide, type Decision, type VolumeFacts } from '../../../src/core/volume/decide.ts'
import { waitFor } from '../../../src/core/volume/waits.ts'
import { persistedDisk, volumeRecord } from '../facts.ts'

const RUNNING = { reachable: true, state: 'running', uuid: 'u1', held: null } as const
const WISH = { persist: false, vmUid: 'u1', fingerprint: 'f1', blocked: null, fillBytes: 0 }
const POD = { reason: 'AttachmentPodNotReady', cause: 'pod p is Pending' } as const
const MIGRATING = { reason: 'MigrationUnderWay', cause: 'it migrates to node b' } as const
const HELD = { ...RUNNING, held: MIGRATING }
const PLUGGED: Actual = { kind: 'plugged', record: volumeRecord(), condemned: false }

const IMAGE: Actual = { ...PLUGGED, record: volumeRecord({ exposure: { path: '/i', kind: 'file', handle: {} } }) }

function facts(over: Partial<VolumeFacts>): VolumeFacts {
  const quiet = { persisted: null, unrecorded: false, leaving: false, defined: true, kept: null, hotplugEnabled: true, grown: false, held: null, nowMs: 1_000 }
  return { vm: RUNNING, desired: WISH, actual: ABSENT, ...quiet, ...over }
}

const record = volumeRecord()
const off = { ...RUNNING, state: 'off' } as const
const saved = { ...RUNNING, state: 'saved' } as const
const persisting = { ...WISH, persist: true }

const CASES: readonly [string, Partial<VolumeFacts>, Decision][] = [
  ['wanted and absent: plug', {}, { do: 'plug' }],
  ['wanted and plugged: rest', { actual: PLUGGED }, { do: 'rest' }],
  ['not wanted and plugged: unplug', { desired: null, actual: PLUGGED }, { do: 'unplug' }],
  ['not wanted but not surely so: keep', { desired: null, actual: PLUGGED, kept: waitFor('ManifestsUnreadable') }, { do: 'wait', for: waitFor('ManifestsUnreadable') }],
  ['another wish under the name: out first', { desired: { ...WISH, fingerprint: 'f2' }, actual: PLUGGED }, { do: 'unplug' }],
  ['libvirt away: wait', { vm: { ...RUNNING, reachable: false } }, { do: 'wait', for: waitFor('LibvirtUnavailable') }],
  ['libvirt away, plugged: nothing is taken away', { desired: null, actual: PLUGGED, vm: { ...RUNNING, reachable: false } }, { do: 'wait', for: waitFor('LibvirtUnavailable') }],
  ['no such domain: wait', { vm: { ...RUNNING, state: 'missing', uuid: null } }, { do: 'wait', for: waitFor('VmNotFound') }],
  ['domain off: wait', { vm: off }, { do: 'wait', for: waitFor('VmNotRunning') }],
  ['domain off, to be persisted: define', { vm: off, desired: persisting }, { do: 'persist' }],
  ['domain off, persisted: wait for its start', { vm: off, desired: persisting, persisted: persistedDisk() }, { do: 'wait', for: waitFor('VmNotRunning') }],
  ['domain off, persisted and no longer wanted: undefine', { vm: off, desired: null, persisted: persistedDisk() }, { do: 'unpersist' }],
  ['domain off, another disk persisted: that one out first', { vm: off, desired: persisting, persisted: persistedDisk({ fingerprint: 'old' }) }, { do: 'unpersist' }],
  ['domain saved: left alone', { vm: saved }, { do: 'wait', for: waitFor('VmSaved') }],
  ['domain saved while plugged: left alone', { vm: saved, actual: PLUGGED, desired: null }, { do: 'wait', for: waitFor('VmSaved') }],
  ['another domain of that name: wait', { desired: { ...WISH, vmUid: 'other' } }, { do: 'wait', for: waitFor('VmReplaced') }],
  ['any domain of that name will do for a manifest', { desired: { ...WISH, vmUid: null } }, { do: 'plug' }],
  ['not there to be plugged yet: wait', { desired: { ...WISH, blocked: POD } }, { do: 'wait', for: POD }],
  ['its pod gone while plugged: rest', { desired: { ...WISH, blocked: POD }, actual: PLUGGED }, { do: 'rest' }],
  ['held: nothing new', { vm: HELD }, { do: 'wait', for: MIGRATING }],
  ['held: nothing taken out', { vm: HELD, desired: null, actual: PLUGGED }, { do: 'wait', for: MIGRATING }],
  ['held, nothing wanted, nothing there: forget', { vm: HELD, desired: null }, { do: 'forget' }],
  ['an image that does not fill its claim: grow', { desired: { ...WISH, fillBytes: 2048 }, actual: IMAGE }, { do: 'grow' }],
  ['an image as large as it may be: rest', { desired: { ...WISH, fillBytes: 1024 }, actual: IMAGE }, { do: 'rest' }],
  ['a device has the size that it has: rest', { desired: { ...WISH, fillBytes: 2048 }, actual: PLUGGED }, { do: 'rest' }],
  ['gate off: no new plug', { hotplugEnabled: false }, { do: 'wait', for: waitFor('HotplugDisabled') }],
  ['gate off: unplug works', { hotplugEnabled: false, desired: null, actual: PLUGGED }, { do: 'unplug' }],
  ['a disk under our alias that nothing tells of: adopt', { unrecorded: true }, { do: 'adopt' }],
  ['to go, and a disk of it that nothing tells of: adopt, to take it out', { desired: null, leaving: true, unrecorded: true }, { do: 'adopt' }],
  ['the same, not surely to go: said, left', { desired: null, leaving: true, unrecorded: true, kept: waitFor('ManifestsUnreadable') }, { do: 'wait', for: waitFor('ManifestsUnreadable') }],
  ['the same while it migrates: wait', { desired: null, leaving: true, unrecorded: true, vm: HELD }, { do: 'wait', for: MIGRATING }],
  ['to go, and not there: forget', { desired: null, leaving: true }, { do: 'forget' }],
  ["a disk with a volume's alias that was never wanted: left", { desired: null, unrecorded: true }, { do: 'forget' }],
  ['nothing wanted, nothing there: forget', { desired: null }, { do: 'forget' }],
  ['persisted earlier, running, not wanted: adopt to take it out', { desired: null, persisted: persistedDisk(), unrecorded: true }, { do: 'adopt' }],
  ['persisted, plugged, not wanted: definition first', { desired: null, persisted: persistedDisk(), actual: PLUGGED }, { do: 'unpersist' }],
  ['plugged and to be persisted: persist', { desired: persisting, actual: PLUGGED }, { do: 'persist' }],
  ['an intent to persist is carried out again', { desired: persisting, actual: PLUGGED, persisted: persistedDisk({ state: 'intended' }) }, { do: 'persist' }],
  ['persisted, plugged, as wished', { desired: persisting, actual: PLUGGED, persisted: persistedDisk() }, { do: 'rest' }],
  ['persisted and taken out by a person: said, not put back', { desired: persisting, actual: PLUGGED, persisted: persistedDisk(), defined: false }, { do: 'wait', for: waitFor('PersistentDefinitionChanged') }],
  ['the same while off', { vm: off, desired: persisting, persisted: persistedDisk(), defined: false }, { do: 'wait', for: waitFor('PersistentDefinitionChanged') }],
  ['no longer to be persisted: undefine', { actual: PLUGGED, persisted: persistedDisk() }, { do: 'unpersist' }],
  ['plugged and off: settle', { vm: off, actual: PLUGGED }, { do: 'settle' }],
  ['unproven: settle before anything else', { desired: null, actual: { kind: 'unproven', record } }, { do: 'settle' }],
  ['gone: release', { actual: { kind: 'gone', record } }, { do: 'release' }],
  ['removal pending: rest, never ask again', { desired: null, actual: { kind: 'detaching', record, sinceMs: 0, check: false } }, { do: 'rest' }],
  ['removal pending, wanted again: still rest', { actual: { kind: 'detaching', record, sinceMs: 0, check: false } }, { do: 'rest' }],
  ['news of the removal: read back', { desired: null, actual: { kind: 'detaching', record, sinceMs: 0, check: true } }, { do: 'check-removal' }],
  ['wrong bytes: out, though wanted', { actual: { kind: 'plugged', record, condemned: true } }, { do: 'unplug' }],
  ['grown: tell QEMU', { actual: PLUGGED, grown: true }, { do: 'grow' }],
  ['failed before: held back', { held: { verb: 'plug', untilMs: 2_000 } }, { do: 'rest' }],
  ['failed before, due: again', { held: { verb: 'plug', untilMs: 1_000 } }, { do: 'plug' }],
  ['a failed plug does not hold back an unplug', { held: { verb: 'plug', untilMs: Infinity }, desired: null, actual: PLUGGED }, { do: 'unplug' }],
]

for (const [name, over, expected] of CASES) {
  t.test(name, async (t) => {
    t.same(decide(facts(over)), expected)
  })
}
