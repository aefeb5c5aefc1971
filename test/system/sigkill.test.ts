import { open, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { LEDGER_STEPS, PLUG_STEPS, UNPLUG_STEPS } from '../../src/model/steps.ts'
import { type Daemon, type DaemonDirectories, daemonDirectories, spawnDaemon, startDaemon } from '../support/daemon.ts'
import { type Guest, type LibvirtHost, makeBlockDevice, startGuest, startLibvirtHost, until } from '../support/lab.ts'

/** Every journalled step, from the code: a new one is killed at here, or the test of its coverage fails. */
const WHENS = ['before', 'after'] as const
const SIZE = 1 << 22

interface Scene {
  readonly host: LibvirtHost
  readonly guest: Guest
  readonly paths: Readonly<Record<string, string>>
}

let scene: Scene

t.before(async () => {
  const host = await startLibvirtHost(t)
  const guest = await startGuest(host)
  const block = await makeBlockDevice(SIZE, t)
  const { base } = await daemonDirectories(t)
  const image = join(base, 'image.img')
  await (await open(image, 'w')).close()
  await truncate(image, SIZE)
  scene = { host, guest, paths: { block: block.path, image } }
})

for (const kind of ['block', 'image']) {
  for (const when of WHENS) {
    for (const step of PLUG_STEPS) t.test(`${kind}: killed ${when} ${step}, plugged all the same`, (t) => killedWhilePlugging(t, kind, `${when}:${step}`))
    for (const step of UNPLUG_STEPS) t.test(`${kind}: killed ${when} ${step}, unplugged all the same`, (t) => killedWhileUnplugging(t, kind, `${when}:${step}`))
  }
}

for (const when of WHENS) {
  for (const step of LEDGER_STEPS.slice(0, 2)) t.test(`killed ${when} ${step}, persisted all the same`, (t) => killedWhilePersisting(t, `${when}:${step}`))
  t.test(`killed ${when} persistDropped, out of the definition all the same`, (t) => killedWhileUnpersisting(t, `${when}:persistDropped`))
}

async function killedWhilePlugging(t: Test, kind: string, failpoint: string): Promise<void> {
  const directories = await daemonDirectories(t)
  const path = scene.paths[kind] ?? ''
  await dies(t, directories, failpoint, (daemon) => daemon.add('vm1', 'data', path, { serial: 'SER' }))
  const daemon = await startDaemon(t, { libvirt: scene.host.uri, directories })
  await settleWish(daemon, path)
  await daemon.ready('vm1', 'data')
  await isOnce(t, 'SER')
  await leave(t, daemon)
}

async function killedWhileUnplugging(t: Test, kind: string, failpoint: string): Promise<void> {
  const directories = await daemonDirectories(t)
  const first = await startDaemon(t, { libvirt: scene.host.uri, directories })
  await first.add('vm1', 'data', scene.paths[kind] ?? '', { serial: 'SER' })
  await first.ready('vm1', 'data')
  await scene.guest.waitForDisk('SER')
  await first.stop()
  await dies(t, directories, failpoint, (daemon) => daemon.remove('vm1', 'data'))
  const daemon = await startDaemon(t, { libvirt: scene.host.uri, directories })
  await settleRemoval(daemon)
  await daemon.gone('vm1', 'data')
  await isNowhere(t)
  await daemon.stop()
}

async function killedWhilePersisting(t: Test, failpoint: string): Promise<void> {
  const directories = await daemonDirectories(t)
  const path = scene.paths['block'] ?? ''
  await dies(t, directories, failpoint, (daemon) => daemon.add('vm1', 'data', path, { serial: 'SER', persist: true }))
  const daemon = await startDaemon(t, { libvirt: scene.host.uri, directories })
  await settleWish(daemon, path, true)
  await daemon.ready('vm1', 'data')
  await isDefined(t, true)
  await isOnce(t, 'SER')
  await daemon.remove('vm1', 'data', { persist: true })
  await daemon.gone('vm1', 'data')
  await isDefined(t, false)
  await daemon.stop()
}

async function killedWhileUnpersisting(t: Test, failpoint: string): Promise<void> {
  const directories = await daemonDirectories(t)
  const first = await startDaemon(t, { libvirt: scene.host.uri, directories })
  await first.add('vm1', 'data', scene.paths['block'] ?? '', { serial: 'SER', persist: true })
  await first.ready('vm1', 'data')
  await isDefined(t, true)
  await first.stop()
  await dies(t, directories, failpoint, (daemon) => daemon.remove('vm1', 'data', { persist: true }))
  const daemon = await startDaemon(t, { libvirt: scene.host.uri, directories })
  await settleRemoval(daemon, true)
  await daemon.gone('vm1', 'data')
  await isDefined(t, false)
  await isNowhere(t)
  await daemon.stop()
}

/** Starts a daemon that kills itself at the failpoint, makes the request, and waits for its death: a step that is never reached fails here. */
async function dies(t: Test, directories: DaemonDirectories, failpoint: string, ask: (daemon: Daemon) => Promise<unknown>): Promise<void> {
  const daemon = await spawnDaemon(t, { libvirt: scene.host.uri, directories, env: { HOTPLUGD_FAILPOINT: failpoint } })
  await daemon.waitReady()
  await ask(daemon).catch(() => undefined)
  await daemon.waitEnd()
  t.equal(daemon.child.signalCode, 'SIGKILL', `died at ${failpoint}`)
}

/** A request that was never answered may or may not have been kept; the client asks again. */
async function settleWish(daemon: Daemon, path: string, persist = false): Promise<void> {
  const answer = await daemon.add('vm1', 'data', path, { serial: 'SER', persist })
  if (answer.status !== 202 && answer.status !== 409) throw new Error(answer.text)
}

async function settleRemoval(daemon: Daemon, persist = false): Promise<void> {
  const answer = await daemon.remove('vm1', 'data', { persist })
  if (![202, 404, 409].includes(answer.status)) throw new Error(answer.text)
}

async function isOnce(t: Test, serial: string): Promise<void> {
  await scene.guest.waitForDisk(serial)
  const disks = await scene.guest.disks()
  t.same(disks.map((disk) => disk.serial), [serial], 'the guest has it exactly once')
}

async function isNowhere(t: Test): Promise<void> {
  await scene.guest.waitForNoDisk('SER')
  t.notMatch(await scene.host.virsh('dumpxml', 'vm1'), /ua-data/)
  t.equal(await scene.guest.ioErrors(), 0, 'no I/O error in the guest')
}

async function isDefined(t: Test, expected: boolean): Promise<void> {
  await until(`the definition to ${expected ? '' : 'not '}have it`, async () => /ua-data/.test(await scene.host.virsh('dumpxml', '--inactive', 'vm1')) === expected)
  t.pass(expected ? 'defined' : 'not defined')
}

async function leave(t: Test, daemon: Daemon): Promise<void> {
  await daemon.remove('vm1', 'data')
  await daemon.gone('vm1', 'data')
  await isNowhere(t)
  await daemon.stop()
}
