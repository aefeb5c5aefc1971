import t, { type Test } from 'tap'
import { type Daemon, startDaemon } from '../support/daemon.ts'
import { makeBlockDevice, startGuest, until } from '../support/lab.ts'
import { actsOf, engineState, hasExactly, IMAGE_BYTES, leave, listedAliases, makeImage, openFiles, openScene, type Scene } from './fault-scene.ts'
import { holdOpen, letGo } from './held-open.ts'

let scene: Scene
const paths: Record<string, string> = {}

t.before(async () => {
  scene = await openScene(t)
  await startGuest(scene.host, { name: 'vm2' })
  paths['block'] = (await makeBlockDevice(IMAGE_BYTES, t)).path
  paths['image'] = await makeImage(scene.directory, 'data')
})

for (const kind of ['block', 'image']) {
  t.test(`${kind}: out of the list but open in QEMU: not released before QEMU lets go`, (t) => staysTaken(t, kind))
  t.test(`${kind}: wanted again meanwhile: plugged again once QEMU lets go`, (t) => isPluggedAgain(t, kind))
}

/** Two detaches at once end libvirt (9.0 and 11.3), as a rule with the disk out of the guest and its image open in QEMU. */
t.test('libvirtd ended by two detaches at once: plugged again, once', async (t) => {
  const daemon = await plugged(t, 'image')
  await scene.host.virsh('detach-device-alias vm1 ua-data --live; detach-disk vm1 sda --live').catch(() => undefined)
  await until('the disk to be out', async () => (await scene.guest.disks()).length === 0)
  t.comment('open in QEMU:', await openInQemu())
  await scene.host.restart()
  await until('it to be plugged again', async () => (await actsOf(daemon, 'plug')).length === 2)
  await daemon.ready('vm1', 'data')
  await hasExactly(t, scene, ['data'])
  await leave(t, scene, daemon, ['data'])
})

async function staysTaken(t: Test, kind: string): Promise<void> {
  const daemon = await plugged(t, kind)
  await holdOpen(scene.host, paths[kind] ?? '')
  await daemon.remove('vm1', 'data')
  await isStillOpen(t, daemon)
  const other = await daemon.add('vm2', 'other', paths[kind] ?? '')
  t.equal(other.status, 202, 'another VM may wait for it')
  const waiting = await daemon.reason('vm2', 'other', 'SourceInUse')
  t.match(waiting.message, 'volume data of default/vm1', 'its holder is named')
  t.same(await listedAliases(scene.host, 'vm2'), [], 'the other VM does not get it')
  await letGo(scene.host)
  await daemon.gone('vm1', 'data')
  await daemon.ready('vm2', 'other')
  await daemon.remove('vm2', 'other')
  await daemon.gone('vm2', 'other')
  await leave(t, scene, daemon, [])
}

async function isPluggedAgain(t: Test, kind: string): Promise<void> {
  const daemon = await plugged(t, kind)
  await holdOpen(scene.host, paths[kind] ?? '')
  await daemon.remove('vm1', 'data')
  await isStillOpen(t, daemon)
  await daemon.add('vm1', 'data', paths[kind] ?? '')
  t.equal((await actsOf(daemon, 'plug')).length, 1, 'not before it was released')
  await letGo(scene.host)
  await daemon.ready('vm1', 'data')
  await hasExactly(t, scene, ['data'])
  await leave(t, scene, daemon, ['data'])
}

async function plugged(t: Test, kind: string): Promise<Daemon> {
  const daemon = await startDaemon(t, { libvirt: scene.host.uri })
  await daemon.add('vm1', 'data', paths[kind] ?? '')
  await daemon.ready('vm1', 'data')
  await hasExactly(t, scene, ['data'])
  return daemon
}

/** Looked at again and again, and still only waited for. */
async function isStillOpen(t: Test, daemon: Daemon): Promise<void> {
  await daemon.reason('vm1', 'data', 'StillOpen')
  await until('some more looks', async () => (await actsOf(daemon, 'release')).length >= 5)
  t.match(await daemon.volume('vm1', 'data'), { phase: 'Detaching', reason: 'StillOpen' })
  t.same(await listedAliases(scene.host), [], 'libvirt does not list it')
  await scene.guest.waitForDisks([])
  t.equal((await engineState(daemon)).journal.length, 1, 'it is not forgotten')
}

async function openInQemu(): Promise<string[]> {
  return openFiles(await scene.guest.qemuPid())
}
