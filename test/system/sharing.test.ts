import { symlink } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { makeBlockDevice, run, startGuest } from '../support/lab.ts'
import { writeManifest } from './manifest.ts'
import { diskXml, makeDirectory, makeImage, MIB, plug, startScene, unplug } from './user-scene.ts'

const { host, guest, daemon } = await startScene(t)
const second = await startGuest(host, { name: 'vm2' })

t.test('a source is in one VM only, however it is reached; the holder is named', async (t) => {
  const device = await makeBlockDevice(MIB, t)
  const directory = await makeDirectory(t)
  const node = join(directory, 'node')
  const numbers = (await run('stat', ['--format=%Hr %Lr', device.path])).trim().split(' ')
  await run('mknod', [node, 'b', ...numbers])
  await symlink(device.path, join(directory, 'link'))
  await plug(daemon, 'vm1', 'data', device.path)
  for (const path of [device.path, node, join(directory, 'link'), device.backingFile]) {
    const { status, body } = await daemon.add('vm2', 'stolen', path)
    t.equal(status, 409, path)
    t.match(body, { details: { causes: [{ reason: 'SourceInUse', message: /in use by volume data of default\/vm1/ }, { message: /mark both disks shareable/ }] } })
  }
  t.match((await daemon.add('vm1', 'twice', device.path)).body, { code: 409, message: `Operation cannot be fulfilled on virtualmachineinstance.kubevirt.io "vm1": Unable to add volume source [${device.path}] because it already exists` })
  t.match((await daemon.add('vm1', 'twice', node)).body, { code: 409, details: { causes: [{ reason: 'SourceInUse' }] } })
  await unplug(daemon, 'vm1', 'data')
  await plug(daemon, 'vm2', 'stolen', node)
  await unplug(daemon, 'vm2', 'stolen')
})

t.test('a disk and its partitions', async (t) => {
  const device = await makeBlockDevice(8 * MIB, t)
  for (const [number, start] of [['1', '2048'], ['2', '6144']] as const) {
    await run('addpart', [device.path, number, start, '4096'])
    t.teardown(() => run('delpart', [device.path, number]))
  }
  await plug(daemon, 'vm1', 'first', `${device.path}p1`)
  await plug(daemon, 'vm2', 'second', `${device.path}p2`)
  for (const path of [device.path, device.backingFile]) {
    t.match(await daemon.add('vm2', 'whole', path), { status: 409, body: { message: /in use by volume \w+ of default\/vm\d/ } }, 'the whole of it is in use by who has a part')
  }
  await unplug(daemon, 'vm1', 'first')
  await unplug(daemon, 'vm2', 'second')
  await plug(daemon, 'vm2', 'whole', device.path)
  t.match(await daemon.add('vm1', 'first', `${device.path}p1`), { status: 409, body: { message: /in use by volume whole of default\/vm2/ } }, 'and a part by who has the whole')
  await unplug(daemon, 'vm2', 'whole')
})

t.test('shared by two VMs if both disks say so', async (t) => {
  const device = await makeBlockDevice(MIB, t)
  await plug(daemon, 'vm1', 'shared', device.path, '--shareable')
  t.equal((await daemon.add('vm2', 'shared', device.path)).status, 409, 'one side alone is not enough')
  await plug(daemon, 'vm2', 'shared', device.path, '--shareable')
  for (const vm of ['vm1', 'vm2']) t.match(await diskXml(host, vm, 'shared'), '<shareable/>')
  await guest.waitForDisk('shared')
  await second.waitForDisk('shared')
  await guest.write('shared', 0, 'from the first')
  t.equal(String(await second.read('shared', 0, 14)), 'from the first')
  for (const vm of ['vm1', 'vm2']) await unplug(daemon, vm, 'shared')
})

t.test('a disk that another VM has from elsewhere is in use too, until it goes', async (t) => {
  const image = await makeImage(t)
  await host.virsh('attach-disk', 'vm2', image, 'sdq', '--live', '--targetbus', 'scsi', '--driver', 'qemu')
  const refused = await daemon.ctl('addvolume', 'vm1', '--volume-name=data', `--source=${image}`)
  t.match(refused, { exitCode: 1, stderr: /is in use by disk sdq of default\/vm2 \(SourceInUse\)\n {2}remedy: Remove it from the VM that holds it/ })
  await host.virsh('detach-disk', 'vm2', 'sdq', '--live')
  await second.waitForDisks([])
  await plug(daemon, 'vm1', 'data', image)
  await unplug(daemon, 'vm1', 'data')
})

t.test('who waits for a source gets it when its holder lets go', async (t) => {
  const image = await makeImage(t)
  await plug(daemon, 'vm2', 'first', image)
  await writeManifest(daemon, 'vm1', { next: image })
  t.match(await daemon.reason('vm1', 'next', 'SourceInUse'), { phase: 'Pending', message: /in use by volume first of default\/vm2/ })
  await unplug(daemon, 'vm2', 'first')
  await daemon.ready('vm1', 'next')
  await guest.waitForDisk('next')
})
