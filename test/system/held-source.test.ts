import { readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import t, { type Test } from 'tap'
import { type Daemon, daemonDirectories, startDaemon } from '../support/daemon.ts'
import { type Guest, makeBlockDevice, run, startGuest } from '../support/lab.ts'
import { hasExactly, IMAGE_BYTES, isClean, listedAliases, makeImage, nameInside, openScene, type Scene } from './fault-scene.ts'
import { deleteManifest, writeManifest } from './manifest.ts'

const SECTOR_BYTES = 512

let scene: Scene
let second: Guest

t.before(async () => {
  scene = await openScene(t)
  second = await startGuest(scene.host, { name: 'vm2' })
})

t.test('two nodes of one block device', async (t) => {
  const device = await makeBlockDevice(IMAGE_BYTES, t)
  const nodes = await Promise.all(['node-a', 'node-b'].map((name) => makeNode(device.path, name)))
  await device.write(0, Buffer.from('shared\0'))
  await goesFromHandToHand(t, [nodes[0] ?? '', nodes[1] ?? ''], 'shared')
})

t.test('an image, and a loop device over it', async (t) => {
  const device = await makeBlockDevice(IMAGE_BYTES, t)
  await device.write(0, Buffer.from('looped\0'))
  await goesFromHandToHand(t, [device.backingFile, device.path], 'looped')
  await goesFromHandToHand(t, [device.path, device.backingFile], 'looped')
})

t.test('a disk, and a partition of it', async (t) => {
  const device = await makeBlockDevice(IMAGE_BYTES, t)
  const sectors = IMAGE_BYTES / SECTOR_BYTES
  await run('addpart', [device.path, '1', '1', `${sectors - 1}`]) // not every kernel reads partition tables; it takes a partition all the same
  t.teardown(() => run('delpart', [device.path, '1']))
  const partition = await partitionNode(device.path)
  await device.write(SECTOR_BYTES, Buffer.from('part\0'))
  await goesFromHandToHand(t, [device.path, partition], 'part')
  await goesFromHandToHand(t, [partition, device.path], '')
})

t.test('a disk that somebody else attached while the agent was away', async (t) => {
  const image = await makeImage(scene.directory, 'foreign')
  const directories = await daemonDirectories(t)
  await (await startDaemon(t, { libvirt: scene.host.uri, directories })).kill9()
  await scene.host.virsh('attach-disk', 'vm2', image, 'sdq', '--live', '--targetbus', 'scsi', '--driver', 'qemu')
  const daemon = await startDaemon(t, { libvirt: scene.host.uri, directories })
  t.match((await daemon.add('vm1', 'data', image)).text, 'is in use by disk sdq of default/vm2')
  await writeManifest(daemon, 'vm1', { data: image })
  t.match((await daemon.reason('vm1', 'data', 'SourceInUse')).message, 'is in use by disk sdq of default/vm2')
  t.same(await listedAliases(scene.host), [], 'the first VM does not get it')
  await scene.host.virsh('detach-disk', 'vm2', 'sdq', '--live')
  await daemon.ready('vm1', 'data')
  await hasExactly(t, scene, ['data'])
  await endWith(t, daemon)
})

/** One VM has it, the other waits, also over a kill of the agent, and gets it by itself when the first is done with it. */
async function goesFromHandToHand(t: Test, [first, other]: readonly [string, string], inside: string): Promise<void> {
  const directories = await daemonDirectories(t)
  const killed = await startDaemon(t, { libvirt: scene.host.uri, directories })
  await killed.add('vm2', 'first', first)
  await killed.ready('vm2', 'first')
  await writeManifest(killed, 'vm1', { data: other })
  await isRefused(t, killed)
  await killed.kill9()
  const daemon = await startDaemon(t, { libvirt: scene.host.uri, directories })
  await isRefused(t, daemon)
  await daemon.remove('vm2', 'first')
  await daemon.ready('vm1', 'data')
  await hasExactly(t, scene, ['data'])
  t.equal(await nameInside(scene.guest, 'data'), inside, 'the guest reads the right bytes')
  await endWith(t, daemon)
}

async function isRefused(t: Test, daemon: Daemon): Promise<void> {
  t.match((await daemon.reason('vm1', 'data', 'SourceInUse')).message, 'in use by volume first of default/vm2', 'the holder is named')
  t.same(await listedAliases(scene.host), [], 'the second VM does not get it')
}

async function endWith(t: Test, daemon: Daemon): Promise<void> {
  await deleteManifest(daemon, 'vm1.yaml')
  await daemon.gone('vm1', 'data')
  await Promise.all([scene.guest, second].map((guest) => guest.waitForDisks([])))
  await isClean(t, scene, daemon)
  await daemon.stop()
}

/** A second node of the device, in the scene's directory. */
async function makeNode(device: string, name: string): Promise<string> {
  const [major = '', minor = ''] = (await run('stat', ['--format=%Hr %Lr', device])).trim().split(' ')
  return mknod(name, `${major}:${minor}`)
}

/** The kernel knows the partition; where nothing makes its node, it is made here. */
async function partitionNode(device: string): Promise<string> {
  const disk = basename(device)
  return mknod(`${disk}p1`, (await readFile(`/sys/block/${disk}/${disk}p1/dev`, 'utf8')).trim())
}

async function mknod(name: string, numbers: string): Promise<string> {
  const path = join(scene.directory, name)
  await run('mknod', [path, 'b', ...numbers.split(':')])
  return path
}
