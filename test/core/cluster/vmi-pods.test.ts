import t from 'tap'
import { type PodFacts, readPod } from '../../../src/core/cluster/pod-facts.ts'
import { readVmi, type Vmi } from '../../../src/core/cluster/vmi.ts'
import { attachmentsFor, launcherAmong, provenAttachment, provenLauncher } from '../../../src/core/cluster/vmi-pods.ts'
import { sample, sampleWith } from '../../support/kubernetes/samples.ts'

const podOf = (object: unknown): PodFacts => readPod(object) ?? t.bailout('no pod') as never
const vmiOf = (object: unknown): Vmi => readVmi(object) ?? t.bailout('no VMI') as never
const LAUNCHER = podOf(sample('launcher-pod'))
const [B1, BOTH, F1] = ['attachment-pod-b1', 'attachment-pod-b1-f1', 'attachment-pod-f1-replacement'].map((name) => podOf(sample(name))) as [PodFacts, PodFacts, PodFacts]
const VMI = vmiOf(sample('vmi-add-f1-03-AttachedToNode'))

t.test('a launcher is proven by owner, status and node', async (t) => {
  const found = (change: Partial<PodFacts>) => launcherAmong([{ ...LAUNCHER, ...change }], VMI, 'node1') !== null
  t.ok(found({}))
  t.same(provenLauncher(LAUNCHER, VMI), { uid: LAUNCHER.uid, namespace: 'default', name: 'virt-launcher-vmi1-2bfvb', vmiUid: VMI.uid, terminating: false })
  t.notOk(found({ uid: 'forged' }), 'the VMI does not know it')
  t.notOk(found({ controller: null }))
  t.notOk(found({ controller: { kind: 'VirtualMachineInstance', uid: 'other', name: 'vmi1' } }))
  t.notOk(found({ controller: { kind: 'Pod', uid: VMI.uid, name: 'vmi1' } }))
  t.notOk(found({ namespace: 'other' }))
  t.notOk(found({ nodeName: 'node2' }))
  t.notOk(found({ phase: 'Succeeded' }))
  t.notOk(launcherAmong([LAUNCHER], VMI, 'node2'))
  t.ok(found({ terminating: true }), 'on its way out, and still there')
})

t.test('an owner that does not control proves nothing', async (t) => {
  const pod = podOf(sampleWith('launcher-pod', { 'metadata.ownerReferences': [{ kind: 'VirtualMachineInstance', uid: VMI.uid, name: 'vmi1' }] }))
  t.equal(pod.controller, null)
})

t.test('attachment pods: the one that the status names first', async (t) => {
  const vmi: Vmi = { ...VMI, entries: VMI.entries.map((entry) => ({ ...entry, hotplug: { podName: BOTH.name, podUid: BOTH.uid } })) }
  const names = (volume: string, pods: readonly PodFacts[]) => attachmentsFor(pods, LAUNCHER, { vmi, volume }).map(({ name }) => name)
  t.same(names('b1', [B1, F1, BOTH]), [BOTH.name, B1.name])
  t.same(names('f1', [F1, BOTH, B1]), [BOTH.name, F1.name])
  t.same(names('f1', [F1, { ...BOTH, terminating: true }]), [BOTH.name, F1.name])
  t.same(names('b1', [{ ...B1, terminating: true }, { ...B1, uid: 'second', name: 'second' }]), ['second', B1.name])
  t.same(names('none', [B1, BOTH]), [])
})

t.test('what an attachment pod tells of a volume', async (t) => {
  const told = (pod: PodFacts, volume: string) => provenAttachment(pod, { vmi: VMI, volume })
  t.same(told(BOTH, 'b1'), { uid: BOTH.uid, name: BOTH.name, claimUid: '10eb6ccd-85dd-45d4-b376-de12cead8990', volumeMode: 'Block', ready: true, terminating: false })
  t.match(told(BOTH, 'f1'), { claimUid: null, volumeMode: 'Filesystem' })
  t.match(told(F1, 'f1'), { claimUid: null, volumeMode: 'Filesystem' }, 'left out of a replacement: the status tells')
  t.match(told({ ...BOTH, devicePaths: new Map() }, 'b1'), { claimUid: null, volumeMode: 'Block' })
  for (const path of ['/path/b1/', '/path/b1/x/y', '/elsewhere/b1/uid', 'path/b1/uid']) t.match(told({ ...BOTH, devicePaths: new Map([['b1', path]]) }, 'b1'), { claimUid: null })
})

t.test('what keeps a pod', async (t) => {
  const hitch = (status: unknown) => podOf(sampleWith('attachment-pod-b1', { status })).hitch
  t.equal(B1.hitch, null)
  t.equal(B1.ready, true)
  t.same(hitch({ containerStatuses: [{ state: { waiting: { reason: 'ImagePullBackOff', message: 'm' } } }] }), { reason: 'ImagePullBackOff', message: 'm' })
  t.same(hitch({ conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: 'none fit' }] }), { reason: 'Unschedulable', message: 'none fit' })
  t.same(hitch({ phase: 'Failed', reason: 'Evicted', message: 'm' }), { reason: 'Evicted', message: 'm' })
  t.equal(podOf(sampleWith('attachment-pod-b1', { 'status.phase': 'Pending' })).ready, false)
})
