import t, { type Test } from 'tap'
import { type Daemon, type DaemonDirectories, daemonDirectories, startDaemon, type VolumeOptions } from '../support/daemon.ts'
import { leave, makeImages, nameInside, openScene, type Scene } from './fault-scene.ts'

const ROUNDS = 12

interface Wish {
  readonly path: string
  readonly options: VolumeOptions
}

let scene: Scene
let paths: readonly string[]

t.before(async () => {
  scene = await openScene(t)
  paths = await makeImages(scene.directory, 'image', 2)
})

/** What the volume is to be in each round, under one name all the time. */
const WISHES: Readonly<Record<string, (round: number) => Wish>> = {
  'as it was': () => ({ path: paths[0] ?? '', options: { serial: 'S' } }),
  'with another serial': (round) => ({ path: paths[0] ?? '', options: { serial: `S${round}` } }),
  'with another source': (round) => ({ path: paths[round % 2] ?? '', options: { serial: 'S' } }),
}

for (const [how, wish] of Object.entries(WISHES)) {
  t.test(`added again right after its removal, ${how}, again and again`, (t) => readded(t, wish))
  t.test(`added again ${how} across a SIGKILL`, (t) => readdedAcrossKill(t, wish))
}

t.test('removed and added again faster than anything can be done: it ends in the last wish', async (t) => {
  const daemon = await startDaemon(t, { libvirt: scene.host.uri })
  await add(daemon, { path: paths[0] ?? '', options: { serial: 'S' } })
  await daemon.ready('vm1', 'data')
  for (let round = 0; round < ROUNDS; round++) await replace(daemon, { path: paths[round % 2] ?? '', options: { serial: `S${round}` } })
  await isInGuest(t, daemon, { path: paths[1] ?? '', options: { serial: `S${ROUNDS - 1}` } })
  await leave(t, scene, daemon, ['data'])
})

async function readded(t: Test, wish: (round: number) => Wish): Promise<void> {
  const daemon = await startDaemon(t, { libvirt: scene.host.uri })
  await add(daemon, wish(0))
  for (let round = 1; round <= ROUNDS; round++) {
    await daemon.ready('vm1', 'data')
    await replace(daemon, wish(round))
  }
  await isInGuest(t, daemon, wish(ROUNDS))
  await leave(t, scene, daemon, ['data'])
}

async function readdedAcrossKill(t: Test, wish: (round: number) => Wish): Promise<void> {
  const directories = await daemonDirectories(t)
  const first = await begin(t, directories, wish(0))
  await replace(first, wish(1))
  await first.kill9()
  const second = await startDaemon(t, { libvirt: scene.host.uri, directories })
  await isInGuest(t, second, wish(1))
  await second.remove('vm1', 'data')
  await second.kill9()
  const third = await startDaemon(t, { libvirt: scene.host.uri, directories })
  await add(third, wish(2))
  await isInGuest(t, third, wish(2))
  await leave(t, scene, third, ['data'])
}

async function begin(t: Test, directories: DaemonDirectories, wish: Wish): Promise<Daemon> {
  const daemon = await startDaemon(t, { libvirt: scene.host.uri, directories })
  await add(daemon, wish)
  await isInGuest(t, daemon, wish)
  return daemon
}

async function add(daemon: Daemon, { path, options }: Wish): Promise<void> {
  const answer = await daemon.add('vm1', 'data', path, options)
  if (answer.status !== 202) throw new Error(answer.text)
}

async function replace(daemon: Daemon, wish: Wish): Promise<void> {
  const answer = await daemon.remove('vm1', 'data')
  if (answer.status !== 202) throw new Error(answer.text)
  await add(daemon, wish)
}

/** Ready, once, with the serial and the bytes that were asked for. */
async function isInGuest(t: Test, daemon: Daemon, { path, options: { serial = '' } }: Wish): Promise<void> {
  await scene.guest.waitForDisks([serial])
  await daemon.ready('vm1', 'data')
  await hasExactlyOnce(t, serial)
  t.equal(await nameInside(scene.guest, serial), path.slice(path.lastIndexOf('/') + 1), 'the guest reads the right image')
}

async function hasExactlyOnce(t: Test, serial: string): Promise<void> {
  const disks = await scene.guest.waitForDisks([serial])
  t.equal(disks.length, 1, 'the guest has it once')
  t.match((await scene.host.virsh('dumpxml', 'vm1')).match(/<alias name='ua-data'\/>/g), { length: 1 }, 'libvirt lists it once')
}
