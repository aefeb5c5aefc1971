import type { Test } from 'tap'
import { attachmentPod, type Made, podStatus } from '../support/kubernetes/lab.ts'
import { NODE } from '../system/kubernetes/scene.ts'
import { type Cases, tells } from './case.ts'
import type { Cluster } from './cluster.ts'

const GOES_ON = /^It goes on as soon as what it waits for happens/

/** The attachment pod of a volume as the API server has it before a kubelet is done with it; gone at the end of the test. */
async function podOnItsWay(t: Test, { scene, vm }: Cluster, volume: string): Promise<Made> {
  const { claim } = await scene.image(volume)
  const pod = await scene.server.create(attachmentPod(vm.pod, [{ volume, claim, mode: 'Filesystem' }], { node: NODE, running: false }))
  t.teardown(() => scene.server.delete(pod, { gracePeriodSeconds: 0 }))
  await scene.server.patchStatus(pod, { status: podStatus('hotplug-disk', false) })
  await vm.controller.attachedToNode(volume, { name: pod.metadata.name })
  return pod
}

/** What virt-controller, the claim and the attachment pod are the cause of. */
export const PODS = {
  AwaitingController: async (t, room) => {
    await room.want(t, { name: 'unseen' })
    await tells(t, room.scene.daemon, 'unseen', 'AwaitingController', { cause: 'the status has no entry for volume unseen yet', next: GOES_ON })
  },

  ClaimNotReady: async (t, room) => {
    await room.want(t, { name: 'unbound', claim: 'the-claim' })
    await room.vm.controller.pending('unbound', 'PVC the-claim not found', 'FailedPvcNotFound')
    await tells(t, room.scene.daemon, 'unbound', 'ClaimNotReady', { cause: 'claim the-claim: FailedPvcNotFound: PVC the-claim not found', next: GOES_ON })
    t.match(await room.vm.controller.entry('unbound'), { phase: 'Pending', reason: 'FailedPvcNotFound' }, "the controller's own words stay")
  },

  AttachmentPodNotReady: async (t, room) => {
    await room.want(t, { name: 'starting' })
    const { metadata } = await podOnItsWay(t, room, 'starting')
    await tells(t, room.scene.daemon, 'starting', 'AttachmentPodNotReady', { cause: `attachment pod ${metadata.name} is Pending: ContainerCreating`, next: GOES_ON })
  },

  AttachmentPodFailing: async (t, room) => {
    await room.want(t, { name: 'failing' })
    const pod = await podOnItsWay(t, room, 'failing')
    const waiting = { reason: 'ErrImageNeverPull', message: 'Container image "none" is not present with pull policy of Never' }
    await room.scene.server.patchStatus(pod, { status: { containerStatuses: [{ name: 'hotplug-disk', image: 'none', imageID: '', ready: false, restartCount: 0, state: { waiting } }] } })
    const cause = `attachment pod ${pod.metadata.name} is Pending: ${waiting.reason}: ${waiting.message}`
    await tells(t, room.scene.daemon, 'failing', 'AttachmentPodFailing', { cause, next: GOES_ON })
    t.match(await room.isTold(t, 'failing', 'AttachmentPodFailing'), { phase: 'AttachedToNode', message: cause })
  },

  LauncherNotFound: async (t, room) => {
    const running = { activePods: { [room.vm.pod.metadata.uid]: NODE } }
    await room.want(t, { name: 'early' })
    await room.vm.controller.bound({ name: 'early' })
    await room.status(t, { activePods: {} }, running)
    await tells(t, room.scene.daemon, 'early', 'LauncherNotFound', { cause: 'no virt-launcher pod of the VM is known on this node', next: GOES_ON })
  },
} satisfies Cases<Cluster>
