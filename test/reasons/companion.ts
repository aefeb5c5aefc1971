import type { Test } from 'tap'
import type { Reason } from '../../src/errors.ts'
import { readVmi } from '../../src/core/cluster/vmi.ts'
import { sample } from '../support/kubernetes/samples.ts'
import { type Cases, refuses, tells, type Told } from './case.ts'
import type { Cluster } from './cluster.ts'

const ONLY_WATCHES = /^hotplugd only watches here: KubeVirt's virt-handler goes on/
const LEFT_AT_THAT = /^Nothing by itself: KubeVirt leaves it at that/
const DIRECTORY = '/var/lib/kubelet/pods/24f593ab/volumes/kubernetes.io~empty-dir/hotplug-disks'

type Words = { readonly reason: string; readonly message: string } | null

/** KubeVirt's own words about the whole VM, as its virt-handler writes them (pkg/virt-handler/hotplug-disk/mount.go). */
async function kubeVirtSays(t: Test, room: Cluster, words: Words): Promise<void> {
  const conditions = [{ type: 'Synchronized', status: 'False', ...words }]
  await room.status(t, { conditions }, { conditions: [] })
}

/** A volume of which KubeVirt says this; the evidence has its words, however the cause puts it. */
async function isDiagnosed(t: Test, room: Cluster, reason: Reason, { mode = 'block', words, ...told }: { mode?: 'block' | 'filesystem'; words: string } & Pick<Told, 'cause'>): Promise<void> {
  const volume = reason.toLowerCase()
  await room.plug(t, await room.scene.image(volume))
  await kubeVirtSays(t, room, { reason: 'Synchronizing with the Domain failed.', message: `failed to mount ${mode} hotplug volume ${volume}: ${words}` })
  await tells(t, room.scene.daemon, volume, reason, { ...told, evidence: { kubevirtPhase: 'AttachedToNode', kubevirtFailure: words, libvirtLists: 'no' }, next: ONLY_WATCHES })
}

/** What KubeVirt 1.9 was heard to say of a volume, there named `bad`, whose disk.img is a directory. */
function heardOf(volume: string): NonNullable<Words> {
  const words = readVmi(sample('vmi-with-bad-volume'))?.failure
  if (!words) throw new Error('the sample says nothing')
  return { ...words, message: words.message.replace(/\bbad\b/g, volume) }
}

async function targetOf(room: Cluster, volume: string): Promise<string> {
  return (await room.vm.controller.entry(volume))?.target ?? ''
}

/** Every case beside KubeVirt's own virt-handler, which nobody plays: what is its turn stays so. `gone` and `stays` are plugged. */
export const COMPANION = {
  CompanionRole: async (t, room) => {
    const cause = 'volume own of vm1: the role of hotplugd on this node is companion'
    await refuses(t, room.scene.daemon, ['addvolume', 'vm1', '--volume-name=own', '--source=/dev/null'], 'CompanionRole', { cause })
    await refuses(t, room.scene.daemon, ['removevolume', 'vm1', '--volume-name=own'], 'CompanionRole', { cause })
  },

  AwaitingVirtHandler: async (t, room) => {
    const { object } = await room.plug(t, await room.scene.image('waits'))
    const { name, uid } = object.metadata
    const evidence = { kubevirtPhase: 'AttachedToNode', attachmentPod: name, attachmentPodUid: uid, attachmentPodReady: true, exposedInLauncher: false, libvirtLists: 'no' }
    await tells(t, room.scene.daemon, 'waits', 'AwaitingVirtHandler', { cause: 'the volume is not brought into the launcher yet', evidence, next: ONLY_WATCHES })
  },

  NotDeclaredHotpluggable: async (t, room) => {
    await room.want(t, { name: 'plain', hotpluggable: false })
    const { object } = await room.attach(await room.scene.image('plain'))
    const cause = 'volume plain lacks hotpluggable: true, so KubeVirt makes an attachment pod for it and then never attaches it'
    await tells(t, room.scene.daemon, 'plain', 'NotDeclaredHotpluggable', { cause, evidence: { attachmentPod: object.metadata.name }, next: LEFT_AT_THAT })
  },

  ImageIsDirectory: async (t, room) => {
    await room.plug(t, await room.scene.image('bad'))
    await kubeVirtSays(t, room, heardOf('bad'))
    const evidence = { kubevirtFailure: /failed to bindmount hotplug volume source from root: \/proc\/1\/root, relative: \/run\/kvfs\/bad\/disk\.img .*not a directory/ }
    const { evidence: told } = await tells(t, room.scene.daemon, 'bad', 'ImageIsDirectory', { cause: 'disk.img in the claim is a directory', evidence, next: ONLY_WATCHES })
    t.notMatch(String(told['kubevirtFailure']), /virt-chroot mount \[flags\]/, 'without the usage page of a tool')
  },

  HeldUpByAnother: async (t, room) => {
    await room.plug(t, await room.scene.image('first'))
    await room.plug(t, await room.scene.image('behind'))
    await kubeVirtSays(t, room, heardOf('first'))
    await tells(t, room.scene.daemon, 'behind', 'HeldUpByAnother', { cause: 'volume first holds it up: disk.img in the claim is a directory', evidence: { kubevirtFailure: /hotplug volume first/ }, next: ONLY_WATCHES })
  },

  WrongKindOfDevice: async (t, room) => {
    await isDiagnosed(t, room, 'WrongKindOfDevice', { words: `no device in root: /proc/1/root, relative: ${DIRECTORY}`, cause: 'what the attachment pod has for the claim is not a block device' })
  },

  KubeVirtReports: async (t, room) => {
    const words = 'failed to apply device rule {Type:98 Major:7 Minor:1 Permissions:rwm Allow:true}: cgroup manager is nil'
    await isDiagnosed(t, room, 'KubeVirtReports', { words, cause: `KubeVirt says: ${words}` })
  },

  DiskNotListed: async (t, room) => {
    const { host, guest } = room.vm.launcher
    await host.virsh('detach-disk', 'default_vm1', await targetOf(room, 'gone'), '--live') // as somebody else may
    const evidence = { kubevirtPhase: 'Ready', libvirtLists: 'no', launcherFound: true }
    await tells(t, room.scene.daemon, 'gone', 'DiskNotListed', { cause: 'the status says Ready, but libvirt does not list the disk', evidence, next: LEFT_AT_THAT })
    await guest.waitForNoDisk('gone')
  },

  DiskStillListed: async (t, room) => {
    const { controller } = room.vm
    await controller.unplug('stays')
    const index = (await controller.vmi()).status?.volumeStatus.findIndex(({ name }) => name === 'stays')
    await room.scene.server.patch(room.vm.vmi, [{ op: 'replace', path: `/status/volumeStatus/${index}/phase`, value: 'UnMountedFromPod' }])
    const target = await targetOf(room, 'stays')
    const cause = `the status says UnMountedFromPod, but libvirt still lists the disk as ${target}`
    await tells(t, room.scene.daemon, 'stays', 'DiskStillListed', { cause, evidence: { kubevirtPhase: 'UnMountedFromPod', libvirtLists: target, path: /stays/ }, next: ONLY_WATCHES })
  },
} satisfies Cases<Cluster>
