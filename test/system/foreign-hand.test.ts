import t, { type Test } from 'tap'
import { type Daemon, type DaemonDirectories, daemonDirectories, startDaemon } from '../support/daemon.ts'
import { until } from '../support/lab.ts'
import { actsOf, hasExactly, isClean, leave, listedAliases, makeImages, nameInside, openScene, type Scene } from './fault-scene.ts'
import { attachForeign, detachForeign } from './foreign-disk.ts'
import { deleteManifest, writeManifest } from './manifest.ts'

let scene: Scene
let own: string
let foreign: string

t.before(async () => {
  scene = await openScene(t)
  ;[own = '', foreign = ''] = await makeImages(scene.directory, 'image', 2)
})

t.test('our disk detached by somebody else: plugged again', async (t) => {
  const daemon = await plugged(t, await daemonDirectories(t))
  for (const detach of ['detach-disk vm1 sda --live', 'detach-device-alias vm1 ua-data --live']) {
    const before = (await actsOf(daemon, 'plug')).length
    await scene.host.virsh(detach)
    await until('it to be plugged again', async () => (await actsOf(daemon, 'plug')).length > before)
    await daemon.ready('vm1', 'data')
    await hasExactly(t, scene, ['data'])
  }
  await leave(t, scene, daemon, ['data'])
})

t.test('a disk of somebody else under our alias: said, left alone, and ours comes when it goes', async (t) => {
  const daemon = await startDaemon(t, { libvirt: scene.host.uri })
  await attachForeign(scene.host, { path: foreign, target: 'sdc', alias: 'ua-data' })
  await until('it to be noticed', () => daemon.volume('vm1', 'data'))
  t.match((await daemon.add('vm1', 'data', own)).text, 'NameTaken')
  await writeManifest(daemon, 'vm1', { data: own })
  await daemon.reason('vm1', 'data', 'DiskMismatch')
  await isForeign(t)
  await detachForeign(scene.host, { target: 'sdc' })
  await daemon.ready('vm1', 'data')
  await hasExactly(t, scene, ['data'])
  t.equal(await nameInside(scene.guest, 'data'), 'image0', 'the guest has ours')
  await deleteManifest(daemon, 'vm1.yaml')
  await daemon.gone('vm1', 'data')
  await leave(t, scene, daemon, [])
})

t.test('our disk exchanged for another of the same alias and target: said, and never detached by us', async (t) => {
  const directories = await daemonDirectories(t)
  await (await plugged(t, directories)).kill9()
  await detachForeign(scene.host, { target: 'sda' })
  await attachForeign(scene.host, { path: foreign, target: 'sda', alias: 'ua-data' })
  const daemon = await startDaemon(t, { libvirt: scene.host.uri, directories })
  await daemon.reason('vm1', 'data', 'DiskMismatch')
  await isForeign(t)
  await daemon.remove('vm1', 'data')
  await daemon.reason('vm1', 'data', 'DiskMismatch')
  await isForeign(t)
  await detachForeign(scene.host, { target: 'sda' })
  await daemon.gone('vm1', 'data')
  await isClean(t, scene, daemon)
  await daemon.stop()
})

t.test('a disk of somebody else on our target: ours takes the next one', async (t) => {
  const directories = await daemonDirectories(t)
  await (await plugged(t, directories)).kill9()
  await detachForeign(scene.host, { target: 'sda' })
  await attachForeign(scene.host, { path: foreign, target: 'sda' })
  const daemon = await startDaemon(t, { libvirt: scene.host.uri, directories })
  t.equal((await daemon.ready('vm1', 'data')).target, 'sdb')
  await scene.guest.waitForDisks(['data', 'foreign'])
  t.same(await listedAliases(scene.host), ['ua-data'])
  await daemon.remove('vm1', 'data')
  await daemon.gone('vm1', 'data')
  await isForeign(t)
  await detachForeign(scene.host, { target: 'sda' })
  await leave(t, scene, daemon, [])
})

async function plugged(t: Test, directories: DaemonDirectories): Promise<Daemon> {
  const daemon = await startDaemon(t, { libvirt: scene.host.uri, directories })
  await daemon.add('vm1', 'data', own)
  t.equal((await daemon.ready('vm1', 'data')).target, 'sda')
  await hasExactly(t, scene, ['data'])
  return daemon
}

/** The guest has that disk alone, with its own bytes. */
async function isForeign(t: Test): Promise<void> {
  await scene.guest.waitForDisks(['foreign'])
  t.equal(await nameInside(scene.guest, 'foreign'), 'image1', 'the other disk is as it was')
}
