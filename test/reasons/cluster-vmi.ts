import { NODE } from '../system/kubernetes/scene.ts'
import { type Cases, tells } from './case.ts'
import type { Cluster } from './cluster.ts'

const GOES_ON = /^It goes on as soon as what it waits for happens/
const PATH = '/apis/kubevirt.io/v1/namespaces/default/virtualmachineinstances/vm1'
const LABEL = 'kubevirt.io/nodeName'
const labelled = (node: string | null): object => ({ metadata: { labels: { [LABEL]: node } } })

/** What the VirtualMachineInstance is the cause of. */
export const VMI = {
  VmiNotRunning: async (t, room) => {
    await room.want(t, { name: 'ahead' })
    await room.status(t, { phase: 'Scheduled' }, { phase: 'Running' })
    await tells(t, room.scene.daemon, 'ahead', 'VmiNotRunning', { cause: 'the VirtualMachineInstance is Scheduled', next: GOES_ON })
  },

  MigrationUnderWay: async (t, room) => {
    await room.plug(t, await room.scene.image('moving'))
    await room.scene.phase(room.vm, 'moving', 'Ready')
    await room.status(t, { migrationState: { sourceNode: NODE, targetNode: 'node2', startTimestamp: '2026-01-01T00:00:00Z' } }, { migrationState: { completed: true } })
    await tells(t, room.scene.daemon, 'moving', 'MigrationUnderWay', { cause: 'a migration of the VM is not finished', evidence: { target: 'sda' }, next: GOES_ON })
  },

  VmiElsewhere: async (t, room) => {
    const { server, daemon } = room.scene
    await room.plug(t, await room.scene.image('left'))
    await room.scene.phase(room.vm, 'left', 'Ready')
    await room.status(t, { nodeName: 'node2' }, { nodeName: NODE })
    await tells(t, daemon, 'left', 'VmiElsewhere', { cause: 'the VM is on node node2', evidence: { target: 'sda' }, next: GOES_ON })
    t.teardown(() => server.patch(room.vm.vmi, labelled(NODE)))
    await server.patch(room.vm.vmi, labelled('node2'))
    await tells(t, daemon, 'left', 'VmiElsewhere', { cause: /on node node2/, evidence: { target: 'sda' }, next: GOES_ON })
  },

  VmiUnknown: async (t, room) => {
    const { server, daemon } = room.scene
    await room.plug(t, await room.scene.image('vanished'))
    await room.scene.phase(room.vm, 'vanished', 'Ready')
    t.teardown(() => room.account.allow())
    await room.account.forbid('get', 'virtualmachineinstances', PATH)
    t.teardown(() => server.patch(room.vm.vmi, labelled(NODE)))
    await server.patch(room.vm.vmi, labelled(null))
    await room.says('vanished', /answered 403/)
    const cause = /not listed for this node any more, and what became of it is not known yet: GET .*\/vm1: the API server answered 403: .*cannot get resource "virtualmachineinstances"/
    const { phase } = await tells(t, daemon, 'vanished', 'VmiUnknown', { cause, evidence: { target: 'sda' }, next: GOES_ON })
    t.equal(phase, 'Ready')
  },

  VmiInvalid: async (t, room) => {
    const { server } = room.scene
    await room.plug(t, await room.scene.image('kept'))
    await room.scene.phase(room.vm, 'kept', 'Ready')
    t.teardown(() => server.patch(room.vm.vmi, { spec: { volumes: [] } }))
    await server.patch(room.vm.vmi, { spec: { volumes: [{ name: 'odd', persistentVolumeClaim: { claimName: '', hotpluggable: true } }] } })
    const cause = 'the VirtualMachineInstance has this volume no more, as far as it is understood: spec.volumes[0] (odd) names no claim'
    await tells(t, room.scene.daemon, 'kept', 'VmiInvalid', { cause, evidence: { target: 'sda' }, next: GOES_ON })
    t.match(await room.isTold(t, 'kept', 'VmiInvalid'), { phase: 'Ready', target: 'sda' })
  },

  SourceNotHeld: async (t, room) => {
    const held = await room.scene.block('held')
    const attachment = await room.plug(t, held)
    await room.scene.phase(room.vm, 'held', 'Ready')
    await room.scene.server.delete(attachment.object, { gracePeriodSeconds: 0 })
    const told = { cause: 'no attachment pod holds claim held of volume held', evidence: { target: 'sda', path: /\/held$/ } }
    await tells(t, room.scene.daemon, 'held', 'SourceNotHeld', { ...told, next: /^The VM is asked to shut down in \d+\.\d s\. It is over as soon as an attachment pod holds the claim again/ })
    t.match(await room.isTold(t, 'held', 'SourceNotHeld'), { phase: 'Ready', target: 'sda' })
  },

  StoppedForLostSource: async (t, room) => {
    t.teardown(() => room.restart())
    await room.restart('--source-lost-grace', '1s')
    const attachment = await room.plug(t, await room.scene.block('lost'))
    await room.scene.phase(room.vm, 'lost', 'Ready')
    await room.scene.server.delete(attachment.object, { gracePeriodSeconds: 0 })
    const cause = 'default/vm1 is shut down: for 1 s nothing on this node has held the claim of its volume lost'
    await tells(t, room.scene.daemon, 'lost', 'StoppedForLostSource', { cause, evidence: { target: 'sda', path: /\/lost$/ }, next: /^The VM was asked to shut down\. It is over as soon as an attachment pod holds the claim again/ })
    t.match(await room.isTold(t, 'lost', 'StoppedForLostSource'), { phase: 'Ready', target: 'sda' })
  },

  FeatureGateOff: async (t, room) => {
    const { server, daemon } = room.scene
    await room.want(t, { name: 'gated' })
    const gates = { developerConfiguration: { featureGates: [], disabledFeatureGates: ['DeclarativeHotplugVolumes', 'HotplugVolumes'] } }
    const reference = { apiVersion: 'kubevirt.io/v1', kind: 'KubeVirt', metadata: { name: 'kubevirt', namespace: 'default' } }
    t.teardown(() => server.delete(reference))
    await server.create({ ...reference, spec: { configuration: gates }, status: { phase: 'Deployed', observedKubeVirtVersion: 'v1.9.0' } })
    await tells(t, daemon, 'gated', 'FeatureGateOff', { cause: 'neither DeclarativeHotplugVolumes nor HotplugVolumes is on in the KubeVirt CR (v1.9.0)', next: GOES_ON })
    await room.vm.controller.attachedToNode('gated', { name: 'hp-volume-none' })
    t.match(await room.isTold(t, 'gated', 'FeatureGateOff'), { phase: 'AttachedToNode' })
  },
} satisfies Cases<Cluster>
