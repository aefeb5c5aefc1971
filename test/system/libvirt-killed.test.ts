import t, { type Test } from 'tap'
import { type Daemon, spawnDaemon, startDaemon } from '../support/daemon.ts'
import { startLibvirtHost, until } from '../support/lab.ts'
import { actsOf, hasExactly, isAlive, leave, listedAliases, makeImages, openScene, type Scene } from './fault-scene.ts'

const BURST = 20

let scene: Scene
let paths: readonly string[]
const names = Array.from({ length: BURST }, (_, i) => `vol${i}`)

t.before(async () => {
  scene = await openScene(t, { memoryMiB: 256 })
  paths = await makeImages(scene.directory, 'vol', BURST)
})

t.test('libvirtd killed while nothing is done: said, requests are taken, and all is done when it is back', async (t) => {
  const daemon = await startDaemon(t, { libvirt: scene.host.uri })
  for (const i of [0, 1]) await plug(daemon, i)
  await daemon.ready('vm1', 'vol1')
  await scene.host.kill9()
  await saysUnavailable(t, daemon)
  t.equal((await plug(daemon, 2)).status, 202, 'a request for a known VM is taken')
  t.equal((await daemon.remove('vm1', 'vol0')).status, 202, 'a removal, too')
  t.equal((await daemon.add('stranger', 'data', paths[3] ?? '')).status, 503, 'of an unknown VM nothing can be said')
  await scene.host.restart()
  await daemon.ready('vm1', 'vol2')
  await daemon.gone('vm1', 'vol0')
  await hasExactly(t, scene, ['vol1', 'vol2'])
  t.equal((await actsOf(daemon, 'plug')).length, 3, 'each was plugged once')
  await leave(t, scene, daemon, ['vol1', 'vol2'])
})

t.test('libvirtd killed in the middle of a burst of plugs', async (t) => {
  const daemon = await startDaemon(t, { libvirt: scene.host.uri })
  const asked = Promise.all(names.map((_, i) => plug(daemon, i)))
  await until('some to be plugged', async () => (await listedAliases(scene.host)).length >= 4)
  await scene.host.kill9()
  t.same(new Set((await asked).map(({ status }) => status)), new Set([202]), 'every request is taken')
  await isAlive(t, daemon)
  await scene.host.restart()
  await hasAll(t, daemon)
  await leave(t, scene, daemon, names)
})

t.test('libvirtd killed in the middle of a burst of unplugs', async (t) => {
  const daemon = await startDaemon(t, { libvirt: scene.host.uri })
  await Promise.all(names.map((_, i) => plug(daemon, i)))
  await hasAll(t, daemon)
  await Promise.all(names.map((name) => daemon.remove('vm1', name)))
  await until('some to be gone', async () => (await daemon.volumes('vm1')).length < BURST - 3)
  await scene.host.kill9()
  await isAlive(t, daemon)
  await scene.host.restart()
  await Promise.all(names.map((name) => daemon.gone('vm1', name)))
  await leave(t, scene, daemon, [])
  for (const name of names) await isUnpluggedOnce(t, daemon, name)
})

t.test('libvirt not there at the start: alive, not ready, and says so; ready once it comes', async (t) => {
  const host = await startLibvirtHost(t)
  await host.kill9()
  const daemon = await spawnDaemon(t, { libvirt: host.uri })
  const { text } = await until('readiness to be told', async () => daemon.call('GET', '/readyz?verbose'))
  t.match(text, /\[-\]libvirt-default: /, 'what is missing is named')
  await isAlive(t, daemon)
  t.equal((await daemon.call('GET', '/readyz')).status, 503)
  await host.restart()
  await daemon.waitReady()
  await daemon.stop()
})

function plug(daemon: Daemon, i: number): ReturnType<Daemon['add']> {
  return daemon.add('vm1', names[i] ?? '', paths[i] ?? '')
}

async function saysUnavailable(t: Test, daemon: Daemon): Promise<void> {
  await daemon.reason('vm1', 'vol1', 'LibvirtUnavailable')
  await isAlive(t, daemon)
  t.equal((await daemon.call('GET', '/readyz')).status, 503, 'not ready without libvirt')
}

async function hasAll(t: Test, daemon: Daemon): Promise<void> {
  await Promise.all(names.map((name) => daemon.ready('vm1', name)))
  // A burst can overflow the eight event buffers of virtio-scsi; a slow Linux then leaves disks unattached until it scans again.
  await scene.guest.rescan()
  await hasExactly(t, scene, names)
}

/** A new libvirtd may be asked once more for what the old one never did; the disk itself can only go once. */
async function isUnpluggedOnce(t: Test, daemon: Daemon, name: string): Promise<void> {
  const acts = (await actsOf(daemon, 'unplug')).filter(({ volume }) => volume === name)
  t.ok(acts.length <= 2, `${name} was not asked for again and again`)
}
