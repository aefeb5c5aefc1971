import t from 'tap'
import { type PodFacts, readPod } from '../../../src/core/cluster/pod-facts.ts'
import { readVmi, type Vmi } from '../../../src/core/cluster/vmi.ts'
import { launcherAmong } from '../../../src/core/cluster/vmi-pods.ts'
import type { DesiredVolume } from '../../../src/model/desired.ts'
import { type VmiWishes, wishesOf } from '../../../src/core/cluster/vmi-wishes.ts'
import { sample, sampleWith } from '../../support/kubernetes/samples.ts'

const NODE = 'node1'

const vmiOf = (object: unknown): Vmi => readVmi(object) ?? t.bailout('no VMI') as never
const podOf = (object: unknown): PodFacts => readPod(object) ?? t.bailout('no pod') as never
const LAUNCHER = podOf(sample('launcher-pod'))
const B1_POD = podOf(sample('attachment-pod-b1'))

interface Given {
  readonly vmi: string
  readonly change?: Readonly<Record<string, unknown>>
  readonly pods?: readonly PodFacts[]
  readonly gate?: 'off'
}

function wishes({ vmi: name, change = {}, pods = [LAUNCHER, B1_POD], gate }: Given): VmiWishes {
  const vmi = vmiOf(sampleWith(name, change))
  return wishesOf({ vmi, node: NODE, pods, launcher: launcherAmong(pods, vmi, NODE), gate: gate ? { reason: 'FeatureGateOff', cause: 'off' } : null })
}

const ATTACHED = 'vmi-add-b1-04-AttachedToNode'
const disks = (disk: Record<string, unknown>) => ({ 'spec.domain.devices.disks': [{ name: 'b1', disk: { bus: 'scsi' }, ...disk }] })
const entry = (fields: Record<string, unknown>) => ({ 'status.volumeStatus': [{ name: 'b1', target: '', phase: 'AttachedToNode', hotplugVolume: { attachPodName: B1_POD.name, attachPodUID: B1_POD.uid }, ...fields }] })
const notReady = (over: Partial<PodFacts>): PodFacts[] => [LAUNCHER, { ...B1_POD, ready: false, phase: 'Pending', ...over }]

/** The one hot-plugged volume, and what it waits for. */
const BLOCKS: readonly (readonly [string, Given, string | null, RegExp?])[] = [
  ['UID set, pod ready: nothing', { vmi: ATTACHED }, null],
  ['no entry yet', { vmi: 'vmi-add-b1-01-noentry' }, 'AwaitingController', /no entry for volume b1/],
  ['claim bound, no pod yet', { vmi: 'vmi-add-b1-02-Bound', pods: [LAUNCHER] }, 'AwaitingController', /no attachment pod was made yet/],
  ['claim not bound', { vmi: ATTACHED, change: entry({ phase: 'Pending', reason: 'PVCNotReady', message: 'PVC is in phase Pending', hotplugVolume: {} }) }, 'ClaimNotReady', /claim b1: PVCNotReady: PVC is in phase Pending/],
  ['claim missing', { vmi: ATTACHED, change: entry({ phase: 'Pending', reason: 'FailedPvcNotFound', message: 'PVC b1 not found', hotplugVolume: {} }) }, 'ClaimNotReady', /PVC b1 not found/],
  ['pod named, without its UID', { vmi: 'vmi-add-b1-03-AttachedToNode' }, 'AwaitingController', /UID of attachment pod hp-volume-4v4jp/],
  ['pod named that is not here', { vmi: ATTACHED, pods: [LAUNCHER] }, 'AwaitingController', /hp-volume-4v4jp, which the status names, is not known on this node/],
  ['UID there while the pod is still Pending', { vmi: ATTACHED, pods: notReady({}) }, 'AttachmentPodNotReady', /hp-volume-4v4jp is Pending/],
  ['pod on its way', { vmi: ATTACHED, pods: notReady({ hitch: { reason: 'ContainerCreating', message: '' } }) }, 'AttachmentPodNotReady', /Pending: ContainerCreating/],
  ['image cannot be pulled', { vmi: ATTACHED, pods: notReady({ hitch: { reason: 'ImagePullBackOff', message: 'Back-off' } }) }, 'AttachmentPodFailing', /Pending: ImagePullBackOff: Back-off/],
  ['cannot be scheduled, before it has a UID', { vmi: 'vmi-add-b1-03-AttachedToNode', pods: notReady({ hitch: { reason: 'Unschedulable', message: '0/1 nodes' } }) }, 'AttachmentPodFailing', /Unschedulable: 0\/1 nodes/],
  ['running and not ready', { vmi: ATTACHED, pods: notReady({ phase: 'Running' }) }, 'AttachmentPodNotReady', /is not ready/],
  ['pod on its way out', { vmi: ATTACHED, pods: [LAUNCHER, { ...B1_POD, terminating: true }] }, 'AwaitingController', /is being deleted/],
  ['pod of another launcher', { vmi: ATTACHED, pods: [LAUNCHER, { ...B1_POD, controller: { kind: 'Pod', uid: 'other', name: 'x' } }] }, 'AwaitingController', /not known/],
  ['pod without an owner, whatever its labels', { vmi: ATTACHED, pods: [LAUNCHER, { ...B1_POD, controller: null }] }, 'AwaitingController', /not known/],
  ['pod on another node', { vmi: ATTACHED, pods: [LAUNCHER, { ...B1_POD, nodeName: 'node2' }] }, 'AwaitingController', /not known/],
  ['pod that holds another claim', { vmi: ATTACHED, pods: [LAUNCHER, { ...B1_POD, claims: new Map([['b1', 'other']]) }] }, 'AwaitingController', /does not hold claim b1/],
  ['no launcher', { vmi: ATTACHED, pods: [B1_POD] }, 'LauncherNotFound'],
  ['launcher that the VMI does not know of', { vmi: ATTACHED, change: { 'status.activePods': {} } }, 'LauncherNotFound'],
  ['launcher that the VMI knows on another node', { vmi: ATTACHED, change: { 'status.activePods': { [LAUNCHER.uid]: 'node2' } } }, 'LauncherNotFound'],
  ['launcher that is over', { vmi: ATTACHED, pods: [{ ...LAUNCHER, phase: 'Failed' }, B1_POD] }, 'LauncherNotFound'],
  ['an earlier one of that name is on its way out', { vmi: ATTACHED, change: entry({ phase: 'Detaching' }) }, 'AwaitingController', /earlier volume b1/],
  ['wanted again right after it was unmounted', { vmi: ATTACHED, change: entry({ phase: 'UnMountedFromPod' }) }, null],
  ['gate off', { vmi: ATTACHED, gate: 'off' }, 'FeatureGateOff'],
  ['VMI not running', { vmi: ATTACHED, change: { 'status.phase': 'Scheduled' } }, 'VmiNotRunning', /is Scheduled/],
  ['lun', { vmi: ATTACHED, change: disks({ disk: undefined, lun: {} }) }, 'UnsupportedDisk', /is a lun/],
  ['cdrom', { vmi: ATTACHED, change: disks({ cdrom: { bus: 'sata' } }) }, 'UnsupportedDisk', /is a cdrom/],
  ['virtio', { vmi: ATTACHED, change: disks({ disk: { bus: 'virtio' } }) }, 'UnsupportedBus', /"virtio"/],
  ['no bus', { vmi: ATTACHED, change: disks({ disk: {} }) }, null],
  ['serial too long', { vmi: ATTACHED, change: disks({ serial: 'x'.repeat(37) }) }, 'InvalidSerial', /37 bytes/],
  ['serial with a comma', { vmi: ATTACHED, change: disks({ serial: 'a,b' }) }, 'InvalidSerial', /","/],
  ['unknown cache', { vmi: ATTACHED, change: disks({ cache: 'unsafe' }) }, 'UnsupportedDisk', /cache "unsafe"/],
  ['io native with a cache', { vmi: ATTACHED, change: disks({ cache: 'writethrough', io: 'native' }) }, 'UnsupportedDisk', /needs cache none/],
  ['no disk of that name', { vmi: ATTACHED, change: { 'spec.domain.devices.disks': [] } }, 'UnsupportedDisk', /no disk named b1/],
  ['a name that cannot be an alias', { vmi: ATTACHED, change: { 'spec.volumes': [{ name: 'b.1', persistentVolumeClaim: { claimName: 'b1', hotpluggable: true } }] } }, 'InvalidName'],
]

for (const [name, given, reason, cause = /./] of BLOCKS) {
  t.test(`waits for: ${name}`, async (t) => {
    const { volumes, doubt, held } = wishes(given)
    t.equal(volumes.length, 1)
    t.equal(volumes[0]?.blocked?.reason ?? null, reason)
    if (reason !== null) t.match(volumes[0]?.blocked?.cause, cause)
    t.same({ doubt, held }, { doubt: null, held: null })
  })
}

t.test('the wish', async (t) => {
  const [volume] = wishes({ vmi: ATTACHED }).volumes
  t.same(volume, {
    vm: 'default/vmi1',
    name: 'b1',
    source: { kind: 'claim', vm: 'default/vmi1', volume: 'b1', claim: 'b1', format: 'raw' },
    disk: { serial: 'b1', readonly: false, shareable: false },
    persist: false,
    origin: { kind: 'vmi' },
    token: '58ddcc95-9821-4aa2-a713-b372aae708f9',
    vmUid: null,
  })
})

t.test('the disk', async (t) => {
  const disk = (change: Record<string, unknown>) => wishes({ vmi: ATTACHED, change }).volumes[0]?.disk
  t.match(disk(disks({})), { serial: 'b1' }, 'the name is the default serial')
  t.match(disk(disks({ serial: 'WD-Ab' })), { serial: 'WD-Ab' }, 'case is kept')
  const all = { disk: { bus: 'scsi', readonly: true }, shareable: true, cache: 'none', io: 'native', errorPolicy: 'report' }
  t.same(disk(disks(all)), { serial: 'b1', readonly: true, shareable: true, cache: 'none', io: 'native', errorPolicy: 'report' })
  const modes = (...accessModes: string[]) => entry({ persistentVolumeClaimInfo: { claimName: 'b1', accessModes } })
  t.match(disk(modes('ReadOnlyMany')), { readonly: true })
  t.match(disk(modes('ReadOnlyMany', 'ReadWriteOnce')), { readonly: false })
  t.match(disk(modes('ReadWriteMany')), { readonly: false, shareable: false }, 'sharing is asked for, never inferred')
})

t.test('a claim that was known to be read-only stays so while its entry is missing', async (t) => {
  const readonly = (before: readonly DesiredVolume[], change: Record<string, unknown> = {}) => {
    const vmi = vmiOf(sampleWith('vmi-add-b1-01-noentry', change))
    return wishesOf({ vmi, node: NODE, pods: [], launcher: LAUNCHER, gate: null, before }).volumes[0]?.disk.readonly
  }
  const before = wishes({ vmi: ATTACHED, change: entry({ persistentVolumeClaimInfo: { accessModes: ['ReadOnlyMany'] } }) }).volumes
  t.equal(readonly([]), false)
  t.equal(readonly(before), true)
  t.equal(readonly(before, { 'metadata.uid': 'another' }), false, 'of another VMI nothing was known')
  t.equal(readonly(before, entry({ persistentVolumeClaimInfo: { accessModes: ['ReadWriteOnce'] } })), false)
})

t.test('which volumes are hot-plugged', async (t) => {
  const names = (given: Given): string[] => wishes(given).volumes.map(({ name }) => name)
  t.same(names({ vmi: 'vmi-add-f1-03-AttachedToNode' }), ['b1', 'f1'])
  t.same(names({ vmi: 'vmi-with-bad-volume' }), ['bad', 'b2', 'f2', 'f3'])
  t.same(names({ vmi: 'vmi-remove-b1-01-Ready' }), ['f1'], 'left the spec, whatever its entry says')
  t.same(names({ vmi: 'vmi-remove-b1-02-UnMountedFromPod' }), ['f1'])
  t.same(names({ vmi: 'vmi-remove-b1-03-Detaching' }), ['f1'])
  const notSaid = { 'spec.volumes': [{ name: 'root', persistentVolumeClaim: { claimName: 'root' } }, { name: 'b1', persistentVolumeClaim: { claimName: 'b1' } }] }
  t.same(names({ vmi: ATTACHED, change: notSaid }), ['b1'], 'by its entry, without hotpluggable')
  t.same(names({ vmi: 'vmi-add-b1-01-noentry', change: notSaid }), ['b1'], 'without an entry: not in the launcher from the start')
  t.same(names({ vmi: 'vmi-add-b1-01-noentry', change: notSaid, pods: [] }), [], 'without an entry and a launcher: nothing is known')
  t.same(names({ vmi: ATTACHED, change: entry({ hotplugVolume: undefined }) }), [], 'an ordinary disk by now')
  const data = { 'spec.volumes': [{ name: 'b1', dataVolume: { name: 'dv1', hotpluggable: true } }, { name: 'c', containerDisk: {} }, { name: 'm', memoryDump: { claimName: 'm' } }] }
  const [volume] = wishes({ vmi: ATTACHED, change: data }).volumes
  t.match(volume, { name: 'b1', source: { claim: 'dv1' } }, 'a data volume')
  const twice = { 'spec.volumes': ['one', 'two'].map((claimName) => ({ name: 'b1', persistentVolumeClaim: { claimName, hotpluggable: true } })) }
  t.match(wishes({ vmi: ATTACHED, change: twice }).volumes, [{ source: { claim: 'one' } }])
})

t.test('which volumes are to go: their entries outlive the spec', async (t) => {
  const leaving = (vmi: string, change: Record<string, unknown> = {}) => wishes({ vmi, change }).leaving
  const b1 = { vm: 'default/vmi1', name: 'b1', source: { kind: 'claim', vm: 'default/vmi1', volume: 'b1', claim: 'b1', format: 'raw' }, origin: { kind: 'vmi' } }
  t.same(leaving('vmi-remove-b1-01-Ready'), [b1])
  t.same(leaving(ATTACHED), [], 'the spec has it')
  t.same(leaving('vmi-remove-b1-05-noentry'), [])
  t.same(leaving(ATTACHED, { 'spec.volumes': [], ...entry({ hotplugVolume: undefined }) }), [], 'an ordinary disk was never plugged')
})

t.test('held: nothing at all is changed', async (t) => {
  const held = (change: Record<string, unknown>) => wishes({ vmi: ATTACHED, change }).held?.reason ?? null
  t.equal(held({}), null)
  t.equal(held({ 'status.migrationState': { sourceNode: 'node1', targetNode: 'node2' } }), 'MigrationUnderWay')
  t.equal(held({ 'status.migrationState': { endTimestamp: 'x' } }), 'MigrationUnderWay')
  t.equal(held({ 'status.migrationState': { completed: true } }), null)
  t.equal(held({ 'status.migrationState': { failed: true } }), null)
  t.equal(held({ 'status.nodeName': 'node2' }), 'VmiElsewhere')
  t.equal(held({ 'metadata.deletionTimestamp': '2026-11-22T00:00:00Z' }), null, 'being deleted: still there')
})

t.test('no attachment pod holds a volume', async (t) => {
  const unheld = (pods: readonly PodFacts[]) => wishes({ vmi: 'vmi-add-b1-06-Ready', pods }).volumes[0]?.unheld?.reason ?? null
  t.equal(unheld([LAUNCHER, B1_POD]), null)
  t.equal(unheld([LAUNCHER]), 'SourceNotHeld')
  t.equal(unheld([LAUNCHER, { ...B1_POD, terminating: true }]), 'SourceNotHeld')
  t.equal(unheld([LAUNCHER, { ...B1_POD, uid: 'another', ready: false, mounted: new Set(), devicePaths: new Map() }]), null, 'a replacement that leaves the mount out')
  t.equal(unheld([]), null, 'without a launcher there is nothing to hold it for')
})

t.test('what is not understood removes nothing', async (t) => {
  const bad: readonly Record<string, unknown>[] = [
    { 'spec.volumes': 'all' },
    { 'spec.volumes': {} },
    { 'spec.volumes': [{ persistentVolumeClaim: { claimName: 'b1' } }] },
    { 'spec.volumes': [{ name: 7 }] },
    { 'spec.volumes': [null] },
    { 'spec.volumes': [{ name: 'b1', persistentVolumeClaim: {} }] },
    { 'spec.volumes': [{ name: 'b1', dataVolume: 'dv' }] },
    { 'spec.domain.devices.disks': [{}] },
    { 'status.volumeStatus': { b1: 1 } },
    { 'status.volumeStatus': [{}] },
  ]
  for (const change of bad) {
    const { doubt, problems } = wishes({ vmi: ATTACHED, change })
    t.match(doubt, { reason: 'VmiInvalid', cause: /as far as it is understood: (spec|status)\./ }, JSON.stringify(change))
    t.match(problems, [{ vm: 'default/vmi1', reason: 'VmiInvalid', message: /default\/vmi1: (spec|status)\./ }])
  }
})
