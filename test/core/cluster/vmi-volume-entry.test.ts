import t from 'tap'
import type { Condition, VolumeStatus } from '../../../src/model/status.ts'
import { type EntryFacts, entryChange, entryPatch } from '../../../src/core/cluster/vmi-volume-entry.ts'
import type { VmiEntry } from '../../../src/core/cluster/vmi-entry.ts'
import { readVmi } from '../../../src/core/cluster/vmi.ts'
import { sample } from '../../support/kubernetes/samples.ts'

const POD = { podName: 'hp-1', podUid: 'u1' }
const ENTRY: VmiEntry = { index: 1, name: 'b1', phase: 'AttachedToNode', reason: 'SuccessfulCreate', message: 'Created hotplug attachment pod hp-1, for volume b1', target: '', hotplug: POD, claim: 'b1', accessModes: [], volumeMode: 'Block', imageBytes: 0 }
const READY: VmiEntry = { ...ENTRY, phase: 'Ready', reason: 'VolumeReady', message: 'Successfully attach hotplugged volume b1 to VM', target: 'sda' }
const MOUNTED: VmiEntry = { ...ENTRY, phase: 'MountedToPod', reason: 'VolumeMountedToPod', message: 'Volume b1 has been mounted in virt-launcher pod' }
const UNMOUNTED: VmiEntry = { ...ENTRY, phase: 'UnMountedFromPod', reason: 'VolumeUnMountedFromPod', message: 'Volume b1 has been unmounted from virt-launcher pod' }

const condition = (type: Condition['type'], status: Condition['status']): Condition => ({ type, status, reason: '', message: '', lastTransitionTime: '' })
const status = (over: Partial<VolumeStatus>, exposed: Condition['status'], ready: Condition['status']): VolumeStatus => ({
  name: 'b1', target: '', serial: 'b1', hotplugged: true, phase: 'Pending', reason: 'Plugging', message: 'on its way', stages: [],
  conditions: [condition('Exposed', exposed), condition('Ready', ready)], source: null, sizeBytes: null, origin: 'vmi', persisted: false, ...over,
})
const TROUBLE = { reason: 'SourceMissing', message: 'it is not there' }

const NOTHING = status({}, 'False', 'False')
const WAITING = status({ reason: 'AttachmentPodNotReady', message: 'pod is Pending' }, 'False', 'False')
const FAILED = status(TROUBLE, 'False', 'False')
const EXPOSED = status({ target: 'sda' }, 'True', 'False')
const STUCK = status({ target: 'sda', ...TROUBLE }, 'True', 'False')
const IN = status({ phase: 'Ready', target: 'sda', reason: 'VolumeReady' }, 'True', 'True')
const IN_TROUBLE = status({ phase: 'Ready', target: 'sda', reason: 'ResizeFailed', message: 'no' }, 'True', 'True')
const UNHELD = status({ phase: 'Ready', target: 'sda', reason: 'SourceNotHeld', message: 'no pod' }, 'True', 'True')
const SILENT = status({ phase: 'Ready', target: 'sda', reason: 'LibvirtUnavailable', message: 'silent' }, 'True', 'Unknown')
const LEAVING = status({ phase: 'Detaching', target: 'sda', reason: 'Detaching' }, 'True', 'False')
const STAYING = status({ phase: 'Detaching', target: 'sda', reason: 'DetachPending', message: 'QEMU says nothing' }, 'True', 'False')
const RELEASED = status({ phase: null, target: 'sda', reason: 'VolumeReleased' }, 'False', 'False')

type Expected = Partial<VmiEntry> | null

/** What the entry is, whether the spec has the volume, what the engine says, and what is written. */
const CASES: readonly (readonly [string, VmiEntry, boolean, VolumeStatus | null, Expected])[] = [
  ['nothing done yet', ENTRY, true, NOTHING, null],
  ['nothing known yet', ENTRY, true, null, null],
  ['waits for the pod: nothing to write', ENTRY, true, WAITING, null],
  ['exposed', ENTRY, true, EXPOSED, MOUNTED],
  ['exposed, from an earlier phase', { ...ENTRY, phase: 'Bound' }, true, EXPOSED, MOUNTED],
  ['exposed again after it was unmounted', UNMOUNTED, true, EXPOSED, MOUNTED],
  ['exposed and said so', MOUNTED, true, EXPOSED, null],
  ['in the domain', MOUNTED, true, IN, READY],
  ['in the domain before MountedToPod was written', ENTRY, true, IN, READY],
  ['in the domain while the controller says Bound', { ...ENTRY, phase: 'Bound' }, true, IN, READY],
  ['in and said so', READY, true, IN, null],
  ['another target', { ...READY, target: 'sdc' }, true, IN, { target: 'sda' }],
  ['failed before exposure: phase stays', ENTRY, true, FAILED, { phase: 'AttachedToNode', ...TROUBLE }],
  ['failed, said so', { ...ENTRY, ...TROUBLE }, true, FAILED, null],
  ['failed while the controller writes', { ...ENTRY, phase: 'Pending' }, true, FAILED, null],
  ['failed while Ready is in the entry: never back', READY, true, FAILED, { phase: 'Ready', ...TROUBLE }],
  ['not plugged while Ready is in the entry: never back', READY, true, NOTHING, null],
  ['exposed while Ready is in the entry: never back', READY, true, EXPOSED, null],
  ['stuck after exposure', ENTRY, true, STUCK, { ...MOUNTED, ...TROUBLE }],
  ['stuck after exposure, later', MOUNTED, true, STUCK, { phase: 'MountedToPod', ...TROUBLE }],
  ['in, with trouble', READY, true, IN_TROUBLE, { phase: 'Ready', reason: 'ResizeFailed', message: 'no' }],
  ['in, the trouble is over', { ...READY, reason: 'ResizeFailed', message: 'no' }, true, IN, READY],
  ['a failure is over and the pod is waited for', { ...ENTRY, ...TROUBLE }, true, WAITING, ENTRY],
  ['a failure is over and it goes on: the next phase says so', { ...ENTRY, ...TROUBLE }, true, NOTHING, null],
  ['a failure is over, exposed', { ...ENTRY, ...TROUBLE }, true, EXPOSED, MOUNTED],
  ['libvirt silent for a moment', READY, true, SILENT, null],
  ['libvirt silent, an old failure stays', { ...READY, ...TROUBLE }, true, SILENT, null],
  ['wanted otherwise and on its way out', READY, true, LEAVING, null],
  ['on its way out', READY, false, LEAVING, null],
  ['does not go', READY, false, STAYING, { phase: 'Ready', reason: 'DetachPending', message: 'QEMU says nothing' }],
  ['gone', READY, false, RELEASED, UNMOUNTED],
  ['gone, mounted only', MOUNTED, false, RELEASED, UNMOUNTED],
  ['gone, and nothing is known of it any more', READY, false, null, UNMOUNTED],
  ['gone before it was mounted: the controller goes on by itself', ENTRY, false, RELEASED, null],
  ['said that it is gone', UNMOUNTED, false, RELEASED, null],
  ['the controller detaches', { ...UNMOUNTED, phase: 'Detaching' }, false, null, null],
  ['the controller detaches, and it is wanted again', { ...UNMOUNTED, phase: 'Detaching' }, true, EXPOSED, null],
  ['withdrawn before anything was written', ENTRY, false, EXPOSED, null],
  ['an ordinary disk: its target', { ...ENTRY, hotplug: null, phase: '' }, true, { ...IN, hotplugged: false, phase: null, target: 'vda' }, { phase: '', target: 'vda' }],
  ['an ordinary disk that is not in the domain', { ...ENTRY, hotplug: null, phase: '', target: 'vda' }, true, null, null],
]

const factsOf = (entry: VmiEntry, isWanted: boolean, said: VolumeStatus | null, over: Partial<EntryFacts> = {}): EntryFacts => ({ entry, isWanted, status: said, isSilent: false, ...over })

for (const [name, entry, isWanted, said, expected] of CASES) {
  t.test(name, async (t) => {
    const change = entryChange(factsOf(entry, isWanted, said))
    if (expected === null) return t.equal(change, null)
    const { phase, reason, message, target } = { ...entry, ...expected }
    t.match(change?.words, { phase, reason, message })
    if ('target' in expected) t.equal(change?.words.target, target)
  })
}

t.test('libvirt silent for long is told, and Ready stays', async (t) => {
  const change = entryChange(factsOf(READY, true, SILENT, { isSilent: true }))
  t.match(change?.words, { phase: 'Ready', reason: 'LibvirtUnavailable', message: 'silent', target: 'sda' })
  const back = entryChange(factsOf({ ...READY, ...change?.words }, true, IN))
  t.match(back?.words, { phase: 'Ready', reason: 'VolumeReady' })
})

t.test('no attachment pod holds it any more: told, and taken back', async (t) => {
  const change = entryChange(factsOf(READY, true, UNHELD))
  t.match(change?.words, { phase: 'Ready', reason: 'SourceNotHeld', message: 'no pod', target: 'sda' })
  t.match(entryChange(factsOf({ ...READY, ...change?.words }, true, IN))?.words, { reason: 'VolumeReady' })
})

t.test('the patch: own entry, own fields, and only if nobody changed it', async (t) => {
  const change = entryChange(factsOf(MOUNTED, true, IN))
  t.same(change === null ? null : entryPatch(change), [
    { op: 'test', path: '/status/volumeStatus/1/name', value: 'b1' },
    { op: 'test', path: '/status/volumeStatus/1/phase', value: 'MountedToPod' },
    { op: 'add', path: '/status/volumeStatus/1/phase', value: 'Ready' },
    { op: 'add', path: '/status/volumeStatus/1/reason', value: 'VolumeReady' },
    { op: 'add', path: '/status/volumeStatus/1/message', value: 'Successfully attach hotplugged volume b1 to VM' },
    { op: 'add', path: '/status/volumeStatus/1/target', value: 'sda' },
  ])
  const target = entryChange(factsOf({ ...ENTRY, hotplug: null, phase: '' }, true, { ...IN, target: 'vda' }))
  t.same(target === null ? null : entryPatch(target), [
    { op: 'test', path: '/status/volumeStatus/1/name', value: 'b1' },
    { op: 'add', path: '/status/volumeStatus/1/target', value: 'vda' },
  ])
})

t.test('word for word what KubeVirt writes', async (t) => {
  const entryIn = (name: string) => readVmi(sample(name))?.entries.find((entry) => entry.name === 'b1') as VmiEntry
  const after = (name: string, isWanted: boolean, said: VolumeStatus) => {
    const entry = entryIn(name)
    return { ...entry, ...entryChange(factsOf(entry, isWanted, said))?.words }
  }
  t.same(after('vmi-add-b1-04-AttachedToNode', true, IN), entryIn('vmi-add-b1-06-Ready'))
  t.same(after('vmi-remove-b1-01-Ready', false, RELEASED), entryIn('vmi-remove-b1-02-UnMountedFromPod'))
})
