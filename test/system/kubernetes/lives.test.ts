import { readdir, rm } from 'node:fs/promises'
import t from 'tap'
import { until } from '../../support/lab.ts'
import { podStatus } from '../../support/kubernetes/lab.ts'
import { journalPath } from '../../../src/adapters/linux/journal/journal-file.ts'
import { KubernetesScene } from './scene.ts'

const scene = await KubernetesScene.start(t)
await scene.startAgent()

/** Names of the claims and devices of the launcher that the agent still knows of. */
async function journalled(vm: string): Promise<string[]> {
  const { body } = await scene.daemon.call('GET', '/debug/state')
  const { journal } = body as { journal: { key: { vm: string; volume: string } }[] }
  return journal.filter(({ key }) => key.vm === `default/${vm}`).map(({ key }) => key.volume)
}

void t.test('a launcher that is killed: all that was exposed to it is released, and the next one gets its volumes', async (t) => {
  const vm = await scene.startVm('killed')
  const [block, image] = [await scene.block('kb'), await scene.image('ki')]
  const attachment = await scene.plug(vm, [block, image])
  await scene.phase(vm, 'kb', 'Ready')
  await scene.phase(vm, 'ki', 'Ready')
  await vm.launcher.kill()
  await scene.server.patchStatus(vm.pod, { status: { ...podStatus('compute', false), phase: 'Failed' } })
  await until('nothing of it kept', async () => (await journalled('killed')).length === 0)
  await scene.detach(attachment)
  await scene.server.delete(vm.pod, { gracePeriodSeconds: 0 })
  await vm.launcher.pod.delete()
  t.notOk((await scene.daemon.volumes('killed')).some(({ phase }) => phase === 'Ready'))
})

void t.test('a VMI that is deleted while plugged: nothing is taken from a QEMU that still runs, everything once it has ended', async (t) => {
  const vm = await scene.startVm('deleted')
  const storage = await scene.block('db')
  const attachment = await scene.plug(vm, [storage])
  await scene.phase(vm, 'db', 'Ready')
  await scene.server.delete(vm.vmi)
  await scene.daemon.reason('deleted', 'db', 'StillOpen')
  t.same(await journalled('deleted'), ['db'])
  await vm.launcher.kill()
  await until('nothing of it kept', async () => (await journalled('deleted')).length === 0)
  await scene.server.delete(vm.pod, { gracePeriodSeconds: 0 })
  await until('the VM forgotten', async () => (await scene.daemon.volumes('deleted')).length === 0)
  await scene.detach(attachment)
  await vm.launcher.pod.delete()
})

void t.test('two VMs: one source goes to one of them only, and a stopped libvirt of one leaves the other alone', async (t) => {
  const [one, two] = [await scene.startVm('one'), await scene.startVm('two')]
  const shared = await scene.block('shared')
  const ofOne = await scene.plug(one, [shared])
  await scene.phase(one, 'shared', 'Ready')
  const ofTwo = await scene.plug(two, [shared])
  const refused = await scene.reason(two, 'shared', 'SourceInUse')
  t.match(refused, { phase: 'AttachedToNode', message: /volume shared of default\/one/ })

  one.launcher.host.signal('SIGSTOP')
  const quick = await scene.image('quick')
  const more = await scene.plug(two, [quick])
  await scene.phase(two, 'quick', 'Ready')
  one.launcher.host.signal('SIGCONT')

  await one.controller.unplug('shared')
  await scene.phase(one, 'shared', 'UnMountedFromPod')
  await scene.phase(two, 'shared', 'Ready')
  await two.launcher.guest.waitForDisks(['quick', 'shared'])
  await two.controller.unplug('quick', 'shared')
  for (const name of ['quick', 'shared']) await scene.phase(two, name, 'UnMountedFromPod')
  for (const attachment of [ofOne, ofTwo, more]) await scene.detach(attachment)
})

void t.test('a VM that is started again in a new launcher gets the volumes of its spec again', async (t) => {
  const vm = await scene.startVm('again')
  const storage = await scene.block('ag')
  const first = await scene.plug(vm, [storage])
  await scene.phase(vm, 'ag', 'Ready')
  await vm.launcher.kill()
  await scene.server.patchStatus(vm.pod, { status: { ...podStatus('compute', false), phase: 'Succeeded' } })
  await until('nothing of it kept', async () => (await journalled('again')).length === 0)
  await scene.detach(first)
  await scene.server.delete(vm.vmi)
  const next = await scene.startVm('again', [{ name: 'ag' }])
  t.not(next.vmi.metadata.uid, vm.vmi.metadata.uid)
  const second = await scene.attach(next, [storage])
  await scene.nameAttachment(next, [storage], second)
  t.match(await scene.phase(next, 'ag', 'Ready'), { target: 'sda' })
  await next.launcher.guest.waitForDisk('ag')
  await next.controller.unplug('ag')
  await scene.phase(next, 'ag', 'UnMountedFromPod')
  await scene.detach(second)
})

void t.test('volumes that left the spec while the agent was away and its journal was lost are taken out all the same', async (t) => {
  const vm = await scene.startVm('lost')
  const storages = [await scene.block('lb'), await scene.image('li')]
  const attachment = await scene.plug(vm, storages)
  for (const { name } of storages) await scene.phase(vm, name, 'Ready')
  await vm.launcher.guest.waitForDisks(['lb', 'li'])
  await scene.daemon.kill9()
  await rm(journalPath(scene.directories.run))
  await vm.controller.unplug('lb', 'li')
  await scene.startAgent()
  for (const { name } of storages) await scene.phase(vm, name, 'UnMountedFromPod')
  await vm.launcher.guest.waitForDisks([])
  t.same(await journalled('lost'), [])
  t.same(await readdir(vm.launcher.pod.emptyDir('hotplug-disks')), [], 'nothing is left in the launcher')
  await scene.detach(attachment)
})
