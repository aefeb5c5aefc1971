import { stat, truncate } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { startDaemon } from '../support/daemon.ts'
import { makeBlockDevice, run } from '../support/lab.ts'
import { makeImage, MIB, plug, startScene, unplug } from './user-scene.ts'

/** Some looks at every size. */
const LOOKS_MS = 5_000

const { host, guest, daemon } = await startScene(t)
const blockInfo = async (target: string): Promise<number> => Number(/Capacity:\s+(\d+)/.exec(await host.virsh('domblkinfo', 'vm1', target))?.[1])

t.test('a block device that grows: the guest sees it, without anybody asking', async (t) => {
  const device = await makeBlockDevice(4 * MIB, t)
  await plug(daemon, 'vm1', 'block', device.path)
  await guest.waitForDisk('block', 4 * MIB)
  await device.grow(8 * MIB)
  t.equal((await guest.waitForDisk('block', 8 * MIB)).sizeBytes, 8 * MIB)
  t.match(await daemon.volume('vm1', 'block'), { phase: 'Ready', size: 8 * MIB })
  await device.grow(16 * MIB)
  await guest.waitForDisk('block', 16 * MIB)
  await guest.write('block', 15 * MIB, 'at the new end')
  t.equal(String(await device.read(15 * MIB, 14)), 'at the new end')
  await unplug(daemon, 'vm1', 'block')
})

t.test('a raw image that grows, to a size that is no multiple of 512 too', async (t) => {
  const image = await makeImage(t, MIB)
  await plug(daemon, 'vm1', 'image', image)
  await truncate(image, 2 * MIB)
  await guest.waitForDisk('image', 2 * MIB)
  await truncate(image, 2 * MIB + 700)
  await guest.waitForDisk('image', 2 * MIB + 1024)
  await unplug(daemon, 'vm1', 'image')
})

t.test('a qcow2 image is not as long as its file; a file that shrinks is told to nobody', async (t) => {
  const [cow, shrinking, steady] = [await makeImage(t), await makeImage(t, 4 * MIB), await makeImage(t, MIB)]
  await run('qemu-img', ['create', '-q', '-f', 'qcow2', cow, '8M'])
  await plug(daemon, 'vm1', 'cow', cow, '--format=qcow2')
  await plug(daemon, 'vm1', 'shrinking', shrinking)
  await plug(daemon, 'vm1', 'steady', steady)
  await truncate(cow, (await stat(cow)).size + 32 * MIB)
  await truncate(shrinking, 2 * MIB)
  await truncate(steady, 2 * MIB)
  await guest.waitForDisk('steady', 2 * MIB) // by now all of them were looked at
  await sleep(LOOKS_MS)
  t.equal((await guest.disk('cow'))?.sizeBytes, 8 * MIB)
  t.equal((await guest.disk('shrinking'))?.sizeBytes, 4 * MIB)
  t.equal((await stat(shrinking)).size, 2 * MIB, 'and nobody makes the file longer again')
  t.equal(await blockInfo('sda'), 8 * MIB)
  for (const name of ['cow', 'shrinking', 'steady']) await unplug(daemon, 'vm1', name)
})

t.test('grown while the agent was down', async (t) => {
  const image = await makeImage(t, MIB)
  await plug(daemon, 'vm1', 'image', image)
  await daemon.stop()
  await truncate(image, 3 * MIB)
  const again = await startDaemon(t, { libvirt: host.uri, directories: daemon.directories })
  await guest.waitForDisk('image', 3 * MIB)
  await unplug(again, 'vm1', 'image')
})
