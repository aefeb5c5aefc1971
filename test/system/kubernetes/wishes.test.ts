import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { until } from '../../support/lab.ts'
import { KubernetesScene, type Storage } from './scene.ts'

const scene = await KubernetesScene.start(t)
const vm = await scene.startVm()
await scene.startAgent()
const { guest } = vm.launcher

/** Unplugs what is plugged and has the attachment pod go. */
async function leave(attachment: Awaited<ReturnType<typeof scene.plug>>, ...names: readonly string[]): Promise<void> {
  await vm.controller.unplug(...names)
  for (const name of names) {
    await scene.phase(vm, name, 'UnMountedFromPod')
    await vm.controller.drop(name)
  }
  await scene.detach(attachment)
}

void t.test('an image is made to fill its claim, and again when the claim grows; never smaller', async (t) => {
  const image = await scene.image('fill', 32 << 20)
  const attachment = await scene.plug(vm, [image])
  await guest.waitForDisk('fill', 62_914_560)
  const grown = { name: 'fill', mode: 'Filesystem', size: '128Mi' } as const
  await vm.controller.attachedToNode('fill', attachment.object.metadata, grown)
  await guest.waitForDisk('fill', 120 << 20)
  await vm.controller.attachedToNode('fill', attachment.object.metadata, { ...grown, size: '64Mi' })
  await leave(attachment, 'fill')
  t.equal((await stat(join(image.path, 'disk.img'))).size, 120 << 20)
})

void t.test('a claim that only permits reading is read-only in the guest', async (t) => {
  const image = await scene.image('rox')
  await vm.controller.plug({ name: 'rox' })
  const attachment = await scene.attach(vm, [image])
  await vm.controller.attachedToNode('rox', attachment.object.metadata, { name: 'rox', mode: 'Filesystem', accessModes: ['ReadOnlyMany'] })
  await scene.phase(vm, 'rox', 'Ready')
  t.match(await guest.waitForDisk('rox'), { readonly: true })
  await t.rejects(guest.write('rox', 0, 'no'))
  await leave(attachment, 'rox')
})

void t.test('what cannot be plugged is told in the status, and the phase stays', async (t) => {
  const refused: readonly [string, object, string, RegExp][] = [
    ['lun', { lun: {} }, 'UnsupportedDisk', /is a lun, which cannot be hot-plugged/],
    ['cdrom', { cdrom: { bus: 'scsi' } }, 'UnsupportedDisk', /is a cdrom/],
    ['virtio', { disk: { bus: 'virtio' } }, 'UnsupportedBus', /asks for bus "virtio"/],
    ['long', { serial: 'x'.repeat(37) }, 'InvalidSerial', /36 bytes/],
  ]
  for (const [name, disk, reason, message] of refused) {
    const storage = await scene.block(name, 1 << 20)
    const attachment = await scene.plug(vm, [storage], disk as Record<string, unknown>)
    t.match(await scene.reason(vm, name, reason), { phase: 'AttachedToNode', message })
    t.match((await scene.daemon.ctl('explain', 'vm1', name)).stdout, reason)
    await vm.controller.unplug(name)
    await vm.controller.drop(name)
    await scene.detach(attachment)
  }
  t.same(await readdir(vm.launcher.pod.emptyDir('hotplug-disks')), [])
})

void t.test('while a migration is not finished nothing is plugged or unplugged', async (t) => {
  const [before, during] = [await scene.block('before'), await scene.block('during')]
  const first = await scene.plug(vm, [before])
  await scene.phase(vm, 'before', 'Ready')
  await vm.controller.status({ migrationState: { sourceNode: 'node1', targetNode: 'node2', startTimestamp: '2026-01-01T00:00:00Z' } })
  await scene.daemon.reason('vm1', 'before', 'MigrationUnderWay')
  const second = await scene.plug(vm, [during])
  await vm.controller.unplug('before')
  await scene.daemon.reason('vm1', 'during', 'MigrationUnderWay')
  t.match(await vm.launcher.host.virsh('dumpxml', 'default_vm1'), /ua-before/)
  t.notMatch(await vm.launcher.host.virsh('dumpxml', 'default_vm1'), /ua-during/)
  await vm.controller.status({ migrationState: { completed: true, failed: true } })
  await scene.phase(vm, 'during', 'Ready')
  await scene.phase(vm, 'before', 'UnMountedFromPod')
  await vm.controller.drop('before')
  await scene.detach(first)
  await leave(second, 'during')
})

void t.test('the gates of the KubeVirt CR: off means no new plugs, and unplugging works', async (t) => {
  const [old, late] = [await scene.block('old'), await scene.block('late')]
  const first = await scene.plug(vm, [old])
  await scene.phase(vm, 'old', 'Ready')
  const disabled = { developerConfiguration: { featureGates: [], disabledFeatureGates: ['DeclarativeHotplugVolumes', 'HotplugVolumes'] } }
  const reference = { apiVersion: 'kubevirt.io/v1', kind: 'KubeVirt', metadata: { name: 'kubevirt', namespace: 'default' } }
  const made = await scene.server.create({ ...reference, spec: { configuration: disabled }, status: { phase: 'Deployed', observedKubeVirtVersion: 'v1.9.0' } })
  await vm.controller.plug({ name: 'late' })
  await scene.daemon.reason('vm1', 'late', 'FeatureGateOff')
  const second = await scene.attach(vm, [late])
  await scene.nameAttachment(vm, [late], second)
  await vm.controller.unplug('old')
  await scene.phase(vm, 'old', 'UnMountedFromPod')
  await vm.controller.drop('old')
  await scene.detach(first)
  t.match(await scene.daemon.volume('vm1', 'late'), { reason: 'FeatureGateOff', phase: 'Pending' })
  await scene.server.delete(made)
  await scene.phase(vm, 'late', 'Ready')
  await leave(second, 'late')
})

void t.test('ten at once, each told by itself', async (t) => {
  const storages: Storage[] = []
  for (let i = 0; i < 10; i++) storages.push(await (i % 2 === 0 ? scene.block(`ten${i}`, 1 << 20) : scene.image(`ten${i}`)))
  const attachment = await scene.plug(vm, storages)
  const names = storages.map(({ name }) => name)
  for (const name of names) await scene.phase(vm, name, 'Ready')
  t.equal((await guest.waitForDisks(names)).length, 10)
  await leave(attachment, ...names)
  await guest.waitForDisks([])
  await until('nothing left', async () => (await readdir(vm.launcher.pod.emptyDir('hotplug-disks'))).length === 0)
})
