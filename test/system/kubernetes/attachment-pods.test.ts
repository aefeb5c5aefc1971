import { readdir } from 'node:fs/promises'
import t from 'tap'
import { KubernetesScene } from './scene.ts'

const scene = await KubernetesScene.start(t)
const vm = await scene.startVm()
await scene.startAgent()
const { guest, host } = vm.launcher

/** Exposed, attached or taken out since the mark: nothing of it may happen to a volume that stays. */
async function acts(volume: string): Promise<string[]> {
  const lines = (await scene.daemon.log()).split('\n').filter((line) => line.includes(`"volume":"${volume}"`) && line.includes('"op":'))
  return lines.flatMap((line) => (/"op":"([a-z-]+)"/.exec(line)?.[1] ?? []))
}

void t.test('a volume is plugged from the pod that replaces another under way, and stays when pods are replaced later', async (t) => {
  const data = await scene.block('data')
  await vm.controller.plug({ name: 'data' })
  const first = await scene.attach(vm, [data])
  await vm.controller.attachedToNode('data', { name: first.object.metadata.name })
  const second = await scene.attach(vm, [data])
  await vm.controller.replaced(second.object.metadata.name)
  await scene.detach(first)
  await vm.controller.ready({ name: second.object.metadata.name, uid: second.object.metadata.uid })
  await scene.phase(vm, 'data', 'Ready')
  await guest.waitForDisk('data')

  const more = await scene.image('more')
  const before = (await acts('data')).length
  await vm.controller.plug({ name: 'more' })
  const third = await scene.attach(vm, [data, more])
  await vm.controller.replaced(third.object.metadata.name)
  await scene.nameAttachment(vm, [data, more], third)
  await scene.detach(second)
  t.match(await scene.phase(vm, 'more', 'Ready'), { target: 'sdb' })
  t.match(await scene.phase(vm, 'data', 'Ready'), { target: 'sda' })
  t.equal((await acts('data')).length, before, 'nothing was done to the volume that stayed')

  await vm.controller.unplug('data', 'more')
  await scene.phase(vm, 'data', 'UnMountedFromPod')
  await scene.phase(vm, 'more', 'UnMountedFromPod')
  t.same(await readdir(vm.launcher.pod.emptyDir('hotplug-disks')), [])
  await scene.detach(third)
  for (const name of ['data', 'more']) await vm.controller.drop(name)
})

void t.test('an entry that stays in the status after the spec lost the volume brings nothing back', async (t) => {
  const stays = await scene.image('stays')
  const attachment = await scene.plug(vm, [stays])
  await scene.phase(vm, 'stays', 'Ready')
  await vm.controller.unplug('stays')
  await scene.phase(vm, 'stays', 'UnMountedFromPod')
  await vm.controller.detaching('stays', false)
  await vm.controller.detaching('stays')
  const other = await scene.block('other')
  const next = await scene.plug(vm, [other])
  await scene.phase(vm, 'other', 'Ready')
  t.same(await readdir(vm.launcher.pod.emptyDir('hotplug-disks')), ['other'], 'the leaving one was not exposed again')
  t.match(await vm.controller.entry('stays'), { phase: 'Detaching' })
  await scene.detach(attachment)
  await vm.controller.drop('stays')
  await vm.controller.unplug('other')
  await scene.phase(vm, 'other', 'UnMountedFromPod')
  await scene.detach(next)
  await vm.controller.drop('other')
})

void t.test('an attachment pod that goes while its volume is in use is told, and the disk stays', async (t) => {
  const lost = await scene.block('lost')
  const attachment = await scene.plug(vm, [lost])
  await scene.phase(vm, 'lost', 'Ready')
  await guest.waitForDisk('lost')
  await scene.server.delete(attachment.object, { gracePeriodSeconds: 0 })
  const told = await scene.reason(vm, 'lost', 'SourceNotHeld')
  t.match(told, { phase: 'Ready', target: 'sda', message: /no attachment pod holds claim lost/ })
  await guest.write('lost', 0, 'still there')
  t.match(await scene.daemon.volume('vm1', 'lost'), { phase: 'Ready', conditions: [{ type: 'SourceReady', status: 'False' }] })
  const again = await scene.attach(vm, [lost])
  await scene.nameAttachment(vm, [lost], again)
  await scene.reason(vm, 'lost', 'VolumeReady')
  t.match(await host.virsh('dumpxml', 'default_vm1'), /ua-lost/)
  await vm.controller.unplug('lost')
  await scene.phase(vm, 'lost', 'UnMountedFromPod')
  await attachment.pod.delete()
  await scene.detach(again)
  await vm.controller.drop('lost')
})

void t.test('one that is withdrawn before anything was told is taken out all the same', async (t) => {
  const brief = await scene.image('brief')
  const attachment = await scene.plug(vm, [brief])
  await vm.controller.unplug('brief')
  await vm.controller.drop('brief')
  await scene.daemon.gone('vm1', 'brief')
  await guest.waitForNoDisk('brief')
  t.same(await readdir(vm.launcher.pod.emptyDir('hotplug-disks')), [])
  await scene.detach(attachment)
})
