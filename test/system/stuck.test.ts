import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { type Daemon, type DaemonDirectories, daemonDirectories, startDaemon } from '../support/daemon.ts'
import { actsOf, hasExactly, isAlive, leave, makeImage, openScene, type Scene, underWay } from './fault-scene.ts'

/** Calls count as unanswered sooner than by default, so that the test need not wait for that. */
const DEADLINE_MS = 1_000
const FLAGS = ['--call-deadline', `${DEADLINE_MS}ms`]

t.test('one libvirtd stopped: only its own VM is degraded, the other is served meanwhile', async (t) => {
  const [stopped, other] = await Promise.all([openScene(t), openScene(t)])
  const daemon = await startDaemon(t, { libvirt: { default: stopped.host.uri, other: other.host.uri }, flags: FLAGS })
  const paths = await Promise.all(['kept', 'late'].map((name) => makeImage(stopped.directory, name)))
  await daemon.add('vm1', 'kept', paths[0] ?? '')
  await daemon.ready('vm1', 'kept')
  stopped.host.signal('SIGSTOP')
  t.teardown(() => stopped.host.signal('SIGCONT'))
  t.equal((await daemon.add('vm1', 'late', paths[1] ?? '')).status, 202, 'a request for the stopped one is taken')
  await isServed(t, daemon, other)
  await daemon.reason('vm1', 'late', 'OutcomeUncertain')
  await daemon.reason('vm1', 'kept', 'LibvirtUnavailable')
  await isServed(t, daemon, other)
  stopped.host.signal('SIGCONT')
  for (const name of ['kept', 'late']) await daemon.ready('vm1', name)
  await hasExactly(t, stopped, ['kept', 'late'])
  t.ok((await actsOf(daemon, 'unplug')).every(({ volume }) => volume === 'meanwhile'), 'nothing of the stopped one was unplugged')
  await leave(t, stopped, daemon, ['kept', 'late'])
})

t.test('QEMU stopped', async (t) => {
  const scene = await openScene(t)
  t.test('during a plug: told, not repeated, done when it goes on', (t) => stoppedWhilePlugging(t, scene))
  t.test('during an unplug: told with its age, not repeated, done when it goes on', (t) => stoppedWhileUnplugging(t, scene))
  t.test('during an unplug, and the agent killed: the new one waits as the old one did', (t) => killedWhileUnplugging(t, scene))
})

async function stoppedWhilePlugging(t: Test, scene: Scene): Promise<void> {
  const daemon = await startDaemon(t, { libvirt: scene.host.uri, flags: FLAGS })
  const path = await makeImage(scene.directory, 'data')
  const goOn = await stopQemu(t, scene)
  await daemon.add('vm1', 'data', path)
  await daemon.reason('vm1', 'data', 'OutcomeUncertain')
  t.equal((await daemon.volume('vm1', 'data'))?.phase, 'Pending')
  await isAlive(t, daemon)
  goOn()
  await daemon.ready('vm1', 'data')
  await hasExactly(t, scene, ['data'])
  t.equal((await actsOf(daemon, 'plug')).length, 1, 'asked for once')
  await leave(t, scene, daemon, ['data'])
}

async function stoppedWhileUnplugging(t: Test, scene: Scene): Promise<void> {
  const daemon = await plugged(t, scene, await daemonDirectories(t))
  const goOn = await stopQemu(t, scene)
  await daemon.remove('vm1', 'data')
  await saysPending(t, daemon)
  await isAlive(t, daemon)
  goOn()
  await daemon.gone('vm1', 'data')
  await leave(t, scene, daemon, [])
  t.equal((await actsOf(daemon, 'unplug')).length, 1, 'asked for once')
}

async function killedWhileUnplugging(t: Test, scene: Scene): Promise<void> {
  const directories = await daemonDirectories(t)
  const first = await plugged(t, scene, directories)
  const goOn = await stopQemu(t, scene)
  await first.remove('vm1', 'data')
  await underWay(first, 'unplug')
  await first.kill9()
  const daemon = await startDaemon(t, { libvirt: scene.host.uri, directories, flags: FLAGS })
  await saysPending(t, daemon)
  t.same(await actsOf(daemon, 'unplug'), [], 'not asked for again')
  goOn()
  await daemon.gone('vm1', 'data')
  await leave(t, scene, daemon, [])
  t.ok((await actsOf(daemon, 'unplug')).length <= 1, 'at most once more, after the first was proven not to be pending')
}

async function plugged(t: Test, scene: Scene, directories: DaemonDirectories): Promise<Daemon> {
  const daemon = await startDaemon(t, { libvirt: scene.host.uri, directories, flags: FLAGS })
  await daemon.add('vm1', 'data', await makeImage(scene.directory, 'data'))
  await daemon.ready('vm1', 'data')
  await hasExactly(t, scene, ['data'])
  return daemon
}

/** Returns what lets it go on. */
async function stopQemu(t: Test, { guest }: Scene): Promise<() => void> {
  const pid = await guest.qemuPid()
  const goOn = () => void process.kill(pid, 'SIGCONT')
  process.kill(pid, 'SIGSTOP')
  t.teardown(goOn)
  return goOn
}

/** Still in the guest, on its way out; and however long it is looked at, the age counts from the first time. */
async function saysPending(t: Test, daemon: Daemon): Promise<void> {
  t.equal((await daemon.reason('vm1', 'data', 'DetachPending')).phase, 'Detaching')
  const since = await pendingSince(daemon)
  await sleep(3 * DEADLINE_MS)
  t.equal(await pendingSince(daemon), since, 'its age is kept')
  t.match(await daemon.volume('vm1', 'data'), { phase: 'Detaching', reason: 'DetachPending' })
}

async function pendingSince(daemon: Daemon): Promise<string> {
  const path = '/apis/hotplugd.io/v1/namespaces/default/virtualmachineinstances/vm1/volumes/data/explain'
  return ((await daemon.call('GET', path)).body as { since: string }).since
}

/** Plugged and unplugged in the other namespace. */
async function isServed(t: Test, daemon: Daemon, { directory, guest }: Scene): Promise<void> {
  await daemon.add('other/vm1', 'meanwhile', await makeImage(directory, 'meanwhile'))
  await daemon.ready('other/vm1', 'meanwhile')
  await guest.waitForDisks(['meanwhile'])
  await daemon.remove('other/vm1', 'meanwhile')
  await daemon.gone('other/vm1', 'meanwhile')
  await guest.waitForDisks([])
  await isAlive(t, daemon)
}
