import t from 'tap'
import { FollowedVm } from '../../src/companion/followed-vm.ts'
import { explainFollowed } from '../../src/core/follow/explain-followed.ts'
import type { PodFacts } from '../../src/core/cluster/pod-facts.ts'
import { diagnose } from '../../src/core/follow/kubevirt-words.ts'
import { isReason } from '../../src/errors.ts'
import type { LiveDisk } from '../../src/model/disk.ts'
import type { Explanation } from '../../src/model/explanation.ts'
import type { VmKey } from '../../src/model/ids.ts'
import { domainWith, hotplugDisk, moment, observed, PODS } from './sightings.ts'

const VM = 'default/vmi1' as VmKey
const ATTACHED = 'vmi-add-b1-04-AttachedToNode'
const MOUNTED = 'vmi-add-b1-05-MountedToPod'
const LONG = 'x'.repeat(37)

interface Given {
  readonly vmi: string
  readonly change?: Readonly<Record<string, unknown>>
  readonly pods?: readonly PodFacts[]
  readonly disks?: readonly LiveDisk[]
  readonly exposed?: readonly string[]
}

function explained({ vmi, change, pods, disks = [], exposed }: Given, volume = 'b1'): Explanation | null {
  const vm = new FollowedVm(VM)
  vm.takeVmi(observed(vmi, change, pods))
  vm.takeView(domainWith(...disks))
  vm.takeExposed(exposed === undefined ? null : new Set(exposed))
  vm.look(moment(0))
  const known = vm.volumes.get(volume)
  return known === undefined ? null : explainFollowed({ vm: VM, status: known.status, facts: known.facts, way: known.way })
}

const disk = (fields: Record<string, unknown>) => ({ 'spec.domain.devices.disks': [{ name: 'b1', disk: { bus: 'scsi' }, ...fields }] })
const entry = (fields: Record<string, unknown>) => ({ 'status.volumeStatus': [{ name: 'b1', target: '', phase: 'AttachedToNode', hotplugVolume: { attachPodName: 'hp-volume-4v4jp', attachPodUID: '061ea86c-9163-4a7c-a2c9-313bd1b83940' }, ...fields }] })
const says = (message: string) => ({ 'status.conditions': [{ type: 'Synchronized', status: 'False', reason: 'Synchronizing with the Domain failed.', message }] })
const podsWith = (over: Partial<PodFacts>): PodFacts[] => PODS.map((pod) => (pod.name === 'hp-volume-4v4jp' ? { ...pod, ready: false, phase: 'Pending', ...over } : pod))

const OBSTACLES: readonly (readonly [string, Given, string, RegExp])[] = [
  ['no entry yet', { vmi: 'vmi-add-b1-01-noentry' }, 'AwaitingController', /no entry for volume b1/],
  ['bound, no pod yet', { vmi: 'vmi-add-b1-02-Bound' }, 'AwaitingController', /no attachment pod was made yet/],
  ['a claim that never binds', { vmi: ATTACHED, change: entry({ phase: 'Pending', reason: 'PVCNotReady', message: 'PVC is in phase Pending', hotplugVolume: {} }) }, 'ClaimNotReady', /claim b1: PVCNotReady: PVC is in phase Pending/],
  ['a claim that is not there', { vmi: ATTACHED, change: entry({ phase: 'Pending', reason: 'FailedPvcNotFound', message: 'PVC b1 not found', hotplugVolume: {} }) }, 'ClaimNotReady', /PVC b1 not found/],
  ['a pod without its UID in the status', { vmi: 'vmi-add-b1-03-AttachedToNode' }, 'AwaitingController', /UID of attachment pod hp-volume-4v4jp/],
  ['a pod that is coming up', { vmi: ATTACHED, pods: podsWith({ hitch: { reason: 'ContainerCreating', message: '' } }) }, 'AttachmentPodNotReady', /hp-volume-4v4jp is Pending: ContainerCreating/],
  ['a pod that never starts: no image', { vmi: ATTACHED, pods: podsWith({ hitch: { reason: 'ImagePullBackOff', message: 'Back-off pulling image' } }) }, 'AttachmentPodFailing', /ImagePullBackOff: Back-off pulling image/],
  ['a pod that never starts: no node', { vmi: ATTACHED, pods: podsWith({ hitch: { reason: 'Unschedulable', message: '0/1 nodes are available' } }) }, 'AttachmentPodFailing', /Unschedulable: 0\/1 nodes/],
  ['all is there, virt-handler has not come by', { vmi: ATTACHED }, 'AwaitingVirtHandler', /not brought into the launcher yet/],
  ['exposed, not attached', { vmi: MOUNTED, exposed: ['b1'] }, 'AwaitingVirtHandler', /not attached yet/],
  ['attached, not told', { vmi: MOUNTED, disks: [hotplugDisk('b1')], exposed: ['b1'] }, 'AwaitingVirtHandler', /the guest has the disk, the status does not say so/],
  ['a serial that is too long', { vmi: MOUNTED, change: disk({ serial: LONG }) }, 'InvalidSerial', /longer than 36 bytes.*MountedToPod for ever/],
  ['hotpluggable is missing', { vmi: ATTACHED, change: { 'spec.volumes': [{ name: 'b1', persistentVolumeClaim: { claimName: 'b1' } }] } }, 'NotDeclaredHotpluggable', /lacks hotpluggable: true/],
  ['a directory as disk.img', { vmi: ATTACHED, change: says('failed to mount filesystem hotplug volume b1: failed to bindmount: Error: not a directory\nUsage:\n  virt-chroot mount') }, 'ImageIsDirectory', /disk\.img in the claim is a directory/],
  ['no disk.img', { vmi: ATTACHED, change: says('failed to mount filesystem hotplug volume b1: openat disk.img: no such file or directory') }, 'ImageMissing', /holds no disk\.img/],
  ['no device', { vmi: ATTACHED, change: says('failed to mount block hotplug volume b1: stat: no such file or directory') }, 'SourceMissing', /device of the claim was not found/],
  ['the wrong kind of device', { vmi: ATTACHED, change: says('failed to mount block hotplug volume b1: /path/b1 is not a block device') }, 'WrongKindOfDevice', /not a block device/],
  ['something else', { vmi: ATTACHED, change: says('failed to mount filesystem hotplug volume b1: the moon is full') }, 'KubeVirtReports', /KubeVirt says: the moon is full/],
  ['another volume is in the way', { vmi: ATTACHED, change: { ...says('failed to mount filesystem hotplug volume a0: Error: not a directory'), 'status.volumeStatus': [{ name: 'a0', target: '', phase: 'AttachedToNode', hotplugVolume: {} }, entry({})['status.volumeStatus'][0]] } }, 'HeldUpByAnother', /volume a0 holds it up: disk\.img/],
  ['no launcher here', { vmi: ATTACHED, pods: [] }, 'LauncherNotFound', /no virt-launcher pod/],
  ['a migration', { vmi: ATTACHED, change: { 'status.migrationState': { sourceNode: 'node1' } } }, 'MigrationUnderWay', /migration/],
  ['Ready by its status, not in the domain', { vmi: 'vmi-add-b1-06-Ready' }, 'DiskNotListed', /libvirt does not list the disk/],
  ['out of the spec, still attached', { vmi: 'vmi-remove-b1-01-Ready', disks: [hotplugDisk('b1')] }, 'AwaitingVirtHandler', /not detached yet/],
  ['out by its status, still in the domain', { vmi: 'vmi-remove-b1-02-UnMountedFromPod', disks: [hotplugDisk('b1')] }, 'DiskStillListed', /says UnMountedFromPod, but libvirt still lists the disk as sda/],
]

t.test('every obstacle is told with its cause and remedy', async (t) => {
  for (const [name, given, reason, message] of OBSTACLES) {
    const explanation = explained(given)
    t.equal(explanation?.reason, reason, name)
    t.match(explanation?.message, message, name)
    t.ok(explanation?.remedy, name)
    t.not(explanation?.phase, 'Ready', name)
    t.match(explanation?.next, /only watches/, name)
  }
})

t.test('a volume without disk.img holds up those after it alone; a serial that is too long, those after it in the spec', async (t) => {
  const change = (message: string) => ({
    ...says(message),
    'status.volumeStatus': ['a0', 'b1', 'c2'].map((name) => ({ name, target: '', phase: 'AttachedToNode', hotplugVolume: entry({})['status.volumeStatus'][0]?.hotplugVolume })),
    'spec.volumes': ['a0', 'b1', 'c2'].map((name) => ({ name, persistentVolumeClaim: { claimName: name, hotpluggable: true } })),
  })
  const missing = change('failed to mount filesystem hotplug volume b1: no such file or directory')
  const reasons = ['a0', 'b1', 'c2'].map((name) => explained({ vmi: ATTACHED, change: missing }, name)?.reason)
  t.same(reasons, ['AwaitingVirtHandler', 'ImageMissing', 'HeldUpByAnother'])
  const serials = { ...change(''), 'spec.domain.devices.disks': [{ name: 'a0', serial: LONG, disk: {} }] }
  t.match(explained({ vmi: ATTACHED, change: serials }, 'b1'), { reason: 'HeldUpByAnother', message: /volume a0 .*longer than 36 bytes/ })
})

t.test('disks that are not KubeVirt’s own hot-plugged ones count for nothing', async (t) => {
  const stranger = hotplugDisk('b1', { source: '/run/hotplugd/b1', target: 'sdzz' })
  t.match(explained({ vmi: MOUNTED, disks: [stranger] }), { evidence: { libvirtLists: 'no' } })
  t.match(explained({ vmi: MOUNTED, disks: [stranger, hotplugDisk('b1', { target: 'sdb', alias: 'scsi0-0-0-1' })] }), { evidence: { libvirtLists: 'sdb' } })
})

t.test('whatever KubeVirt says, it is read without harm', async (t) => {
  const words = ['failed to mount filesystem hotplug volume ', 'bad', ': ', '\n', 'Usage:', 'not a directory', '\u0000', '…', ' '.repeat(50), 'x'.repeat(400)]
  for (let round = 0; round < 2_000; round++) {
    const message = Array.from({ length: round % 9 }, (_, index) => words[(round * 7 + index * 13) % words.length]).join('')
    const found = diagnose({ reason: 'r', message })
    if (found !== null && (!isReason(found.reason) || found.cause.length > 700)) t.fail(JSON.stringify({ message, found }))
  }
  t.equal(diagnose(null), null)
})
