import { randomUUID } from 'node:crypto'
import t, { type Test } from 'tap'
import { type Daemon, startDaemon } from '../support/daemon.ts'
import { until } from '../support/lab.ts'
import { actsOf, engineState, hasExactly, isClean, leave, listedAliases, makeImages, openScene, type Scene, underWay } from './fault-scene.ts'

const names = Array.from({ length: 6 }, (_, i) => `vol${i}`)

t.test('rebooted from inside: the volumes stay', async (t) => {
  const at = await start(t, 2)
  await at.scene.guest.reboot()
  await hasExactly(t, at.scene, names.slice(0, 2))
  t.equal((await actsOf(at.daemon, 'plug')).length, 2, 'nothing was plugged again')
  await leave(t, at.scene, at.daemon, names.slice(0, 2))
})

t.test('destroyed in the middle of plugs: nothing is left; plugged when it starts again', async (t) => {
  const at = await start(t, 0)
  const asked = Promise.all(names.map((_, i) => at.plug(i)))
  await until('one to be listed', async () => (await listedAliases(at.scene.host)).length > 0, 1)
  await at.scene.host.virsh('destroy', 'vm1')
  await asked
  for (const name of names) await at.daemon.reason('vm1', name, 'VmNotRunning')
  await isClean(t, at.scene, at.daemon)
  await isPluggedAtStart(t, at, names)
  await leave(t, at.scene, at.daemon, names)
})

t.test('destroyed in the middle of unplugs: all are gone, and stay so when it starts again', async (t) => {
  const at = await start(t, names.length)
  const asked = Promise.all(names.map((name) => at.daemon.remove('vm1', name)))
  await until('one to be gone', async () => (await listedAliases(at.scene.host)).length < names.length, 1)
  await at.scene.host.virsh('destroy', 'vm1')
  await asked
  await Promise.all(names.map((name) => at.daemon.gone('vm1', name)))
  await isClean(t, at.scene, at.daemon)
  await isPluggedAtStart(t, at, [])
  await at.daemon.stop()
})

t.test('QEMU killed in the middle of a plug and of an unplug', async (t) => {
  const at = await start(t, 1)
  const pid = await at.scene.guest.qemuPid()
  process.kill(pid, 'SIGSTOP')
  await Promise.all([at.plug(1), at.daemon.remove('vm1', 'vol0')])
  await Promise.all([underWay(at.daemon, 'plug'), underWay(at.daemon, 'unplug')])
  process.kill(pid, 'SIGKILL')
  await at.daemon.gone('vm1', 'vol0')
  await at.daemon.reason('vm1', 'vol1', 'VmNotRunning')
  await isClean(t, at.scene, at.daemon)
  await isPluggedAtStart(t, at, ['vol1'])
  await leave(t, at.scene, at.daemon, ['vol1'])
})

t.test('saved and restored: the disks are the same ones, nothing is done', async (t) => {
  const at = await start(t, 2)
  await at.scene.host.virsh('managedsave', 'vm1')
  await at.daemon.reason('vm1', 'vol0', 'VmSaved')
  t.equal((await at.plug(2)).status, 202, 'a request is taken meanwhile')
  await at.scene.host.virsh('start', 'vm1')
  for (const name of names.slice(0, 3)) await at.daemon.ready('vm1', name)
  at.scene.guest.close()
  await hasExactly(t, at.scene, names.slice(0, 3))
  t.same((await actsOf(at.daemon, 'plug')).map(({ volume }) => volume), names.slice(0, 3), 'each was plugged once')
  await leave(t, at.scene, at.daemon, names.slice(0, 3))
})

t.test('defined anew with other XML while it runs: the volumes stay, also after shutdown and start', async (t) => {
  const at = await start(t, 1)
  const xml = await at.scene.host.virsh('dumpxml', '--inactive', 'vm1')
  await at.scene.host.define(xml.replace('<vcpu', '<description>another</description><vcpu'))
  await hasExactly(t, at.scene, ['vol0'])
  t.equal((await actsOf(at.daemon, 'plug')).length, 1, 'nothing was plugged again')
  await at.scene.guest.poweroff()
  await at.daemon.reason('vm1', 'vol0', 'VmNotRunning')
  await isPluggedAtStart(t, at, ['vol0'])
  await leave(t, at.scene, at.daemon, ['vol0'])
})

t.test('undefined while it runs: the volumes stay; off, it is not found; defined again, it gets them', async (t) => {
  const at = await start(t, 1)
  const xml = await at.scene.host.virsh('dumpxml', '--inactive', 'vm1')
  await at.scene.host.virsh('undefine', 'vm1')
  await hasExactly(t, at.scene, ['vol0'])
  await at.scene.host.virsh('destroy', 'vm1')
  await at.daemon.reason('vm1', 'vol0', 'VmNotFound')
  t.same((await engineState(at.daemon)).journal, [], 'nothing is left')
  await at.scene.host.define(xml)
  await isPluggedAtStart(t, at, ['vol0'])
  await leave(t, at.scene, at.daemon, ['vol0'])
})

t.test('another domain takes its name: said, and nothing of it is touched', async (t) => {
  const at = await start(t, 2)
  const xml = await at.scene.host.virsh('dumpxml', '--inactive', 'vm1')
  await at.scene.host.virsh('destroy vm1; undefine vm1')
  await at.scene.host.define(xml.replace(/<uuid>.*<\/uuid>/, `<uuid>${randomUUID()}</uuid>`))
  await at.scene.host.virsh('start', 'vm1', '--paused')
  for (const name of names.slice(0, 2)) await at.daemon.reason('vm1', name, 'VmReplaced')
  t.same(await listedAliases(at.scene.host), [], 'nothing was plugged into it')
  await Promise.all(names.slice(0, 2).map((name) => at.daemon.remove('vm1', name)))
  await Promise.all(names.slice(0, 2).map((name) => at.daemon.gone('vm1', name)))
  await isClean(t, at.scene, at.daemon)
  await at.daemon.stop()
})

/** One VM, and a daemon that has plugged the first `count` volumes into it. */
interface Start {
  readonly scene: Scene
  readonly daemon: Daemon
  readonly plug: (i: number) => ReturnType<Daemon['add']>
}

async function start(t: Test, count: number): Promise<Start> {
  const scene = await openScene(t)
  const paths = await makeImages(scene.directory, 'vol', names.length)
  const daemon = await startDaemon(t, { libvirt: scene.host.uri })
  const plug = (i: number) => daemon.add('vm1', names[i] ?? '', paths[i] ?? '')
  const some = names.slice(0, count)
  await Promise.all(some.map((_, i) => plug(i)))
  await Promise.all(some.map((name) => daemon.ready('vm1', name)))
  await hasExactly(t, scene, some)
  return { scene, daemon, plug }
}

async function isPluggedAtStart(t: Test, { scene, daemon }: Start, volumes: readonly string[]): Promise<void> {
  await scene.guest.start()
  await Promise.all(volumes.map((name) => daemon.ready('vm1', name)))
  await hasExactly(t, scene, volumes)
}
