import { link, rename, rm, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { type Daemon, startDaemon } from '../support/daemon.ts'
import { loopAside, makeBlockDevice, run, until } from '../support/lab.ts'
import { actsOf, engineState, hasExactly, IMAGE_BYTES, leave, makeImage, makeImages, nameInside, openScene, type Scene, underWay } from './fault-scene.ts'

const ROUNDS = 15

let scene: Scene

t.before(async () => {
  scene = await openScene(t)
})

t.test('an image renamed over between request and attach', async (t) => {
  const path = await makeImage(scene.directory, 'old')
  const next = await makeImage(scene.directory, 'new')
  await swappedWhilePlugging(t, path, () => rename(next, path))
})

t.test('a loop device given another file between request and attach', async (t) => {
  const device = await makeBlockDevice(IMAGE_BYTES, t, loopAside)
  await device.write(0, Buffer.from('old\0'))
  const next = await makeImage(scene.directory, 'new')
  await swappedWhilePlugging(t, device.path, async () => {
    await run('losetup', ['--detach', device.path])
    await run('losetup', [device.path, next])
  })
})

t.test('an image renamed over all the time: Ready is said only of the file that QEMU opened', async (t) => {
  const daemon = await startDaemon(t, { libvirt: scene.host.uri })
  const images = await makeImages(scene.directory, 'image', 2)
  const names = new Map(await Promise.all(images.map(async (image) => [await inodeOf(image), basename(image)] as const)))
  const path = join(scene.directory, 'path')
  await link(images[0] ?? '', path)
  for (let round = 0; round < ROUNDS; round++) {
    const swapping = exchange(path, images, 40 + round)
    // Refused as SourceChanged where the path changes under the very look of the request.
    await until('the request to be taken', async () => (await daemon.add('vm1', 'data', path)).status === 202)
    await swapping
    await daemon.ready('vm1', 'data')
    await scene.guest.waitForDisks(['data'])
    t.equal(await nameInside(scene.guest, 'data'), names.get(await recordedInode(daemon)), 'the guest reads the file that was proven')
    await daemon.remove('vm1', 'data')
    await daemon.gone('vm1', 'data')
  }
  await leave(t, scene, daemon, [])
})

/** QEMU is stopped while its attach is under way, so that it opens the path only after the swap. */
async function swappedWhilePlugging(t: Test, path: string, swap: () => Promise<unknown>): Promise<void> {
  const daemon = await startDaemon(t, { libvirt: scene.host.uri, flags: ['--call-deadline', '1s'] })
  const pid = await scene.guest.qemuPid()
  process.kill(pid, 'SIGSTOP')
  t.teardown(() => process.kill(pid, 'SIGCONT'))
  await daemon.add('vm1', 'data', path)
  await underWay(daemon, 'plug')
  await daemon.reason('vm1', 'data', 'OutcomeUncertain')
  await swap()
  process.kill(pid, 'SIGCONT')
  await daemon.ready('vm1', 'data')
  t.match(await daemon.log(), '"SourceChanged"', 'the change was noticed')
  t.equal((await actsOf(daemon, 'unplug')).length, 1, 'the wrong disk was taken out')
  await hasExactly(t, scene, ['data'])
  t.equal(await nameInside(scene.guest, 'data'), 'new', 'the guest has what the path leads to now')
  await leave(t, scene, daemon, ['data'])
}

/** The path is the one image and the other in turn; it is never missing. */
async function exchange(path: string, images: readonly string[], times: number): Promise<void> {
  for (let i = 0; i < times; i++) {
    await link(images[i % 2] ?? '', `${path}~`)
    await rename(`${path}~`, path)
    await rm(`${path}~`, { force: true }) // a rename between two names of one file does nothing
    await sleep(1)
  }
}

async function inodeOf(path: string): Promise<string> {
  return String((await stat(path, { bigint: true })).ino)
}

async function recordedInode(daemon: Daemon): Promise<string> {
  return (await engineState(daemon)).journal[0]?.identity.inode ?? `nothing is journalled of ${basename(scene.directory)}`
}
