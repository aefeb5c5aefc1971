import { open, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { type Cases, tells } from './case.ts'
import type { Cluster } from './cluster.ts'

/** What is in the way inside the launcher. */
export const LAUNCHER = {
  ExposureFailed: async (t, room) => {
    const { pod } = room.vm.launcher
    const at = (name: string): string => join(pod.emptyDir('hotplug-disks'), name)
    await room.plug(t, await room.scene.block('first'))
    await room.scene.phase(room.vm, 'first', 'Ready')
    t.teardown(() => rename(at('taken'), at('first')))
    await rename(at('first'), at('taken')) // as a tenant can
    await room.plug(t, await room.scene.block('taken'))
    const remedy = 'Find out who put it there; nothing that the agent did not make is taken away.'
    const cause = '/var/run/kubevirt/hotplug-disks/taken is taken by something else: '
    await tells(t, room.scene.daemon, 'taken', 'ExposureFailed', { cause, remedy, evidence: { path: /\/hotplug-disks\/taken$/, pod: pod.uid, what: /\w/ }, next: /is (tried again in [\d.]+ s|under way)/ })
    t.match(await room.isTold(t, 'taken', 'ExposureFailed'), { phase: 'AttachedToNode', message: cause })
  },

  ReleaseFailed: async (t, room) => {
    const { pod, guest } = room.vm.launcher
    await room.plug(t, await room.scene.image('busy'))
    await room.scene.phase(room.vm, 'busy', 'Ready')
    const held = await open(join(pod.root, 'run/kubevirt/hotplug-disks/busy.img'))
    t.teardown(() => held.close())
    await room.vm.controller.unplug('busy')
    const cause = /take back \/var\/run\/kubevirt\/hotplug-disks\/busy\.img: .*EBUSY/
    const { summary } = await tells(t, room.scene.daemon, 'busy', 'ReleaseFailed', { cause, evidence: { errno: 'EBUSY', syscall: 'umount2', path: '/var/run/kubevirt/hotplug-disks/busy.img', pod: pod.uid }, next: /is (tried again in [\d.]+ s|under way)/ })
    t.match(summary, /^busy has left the guest and is not released yet: /)
    await guest.waitForNoDisk('busy')
    t.match(await room.isTold(t, 'busy', 'ReleaseFailed'), { phase: 'Ready' }, 'its claim is not given up before')
  },
} satisfies Cases<Cluster>
