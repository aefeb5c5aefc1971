import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import tap, { type Test } from 'tap'
import { createSources } from '../../../../src/adapters/linux/host/sources.ts'
import { run } from '../../../support/command.ts'
import { until } from '../../../support/wait.ts'
import { addPartition, loopOver, makeImage, MIB, mountNew, swapOn } from '../block-lab.ts'
import { refusalOf, scratch } from '../scratch.ts'

const sources = createSources()
const resolve = (path: string) => sources.resolve({ kind: 'local', path, format: 'raw' })

async function inUse(t: Test, path: string, ...words: readonly string[]): Promise<void> {
  const error = await refusalOf(() => resolve(path))
  t.match(error, { reason: 'SourceInUseByHost' }, error.message)
  for (const word of words) t.ok(error.message.includes(word), `${error.message} names ${word}`)
}

const newLoop = async (t: Test): Promise<{ image: string; loop: string }> => {
  const image = await makeImage(join(await scratch(t), 'a.img'), 32 * MIB)
  return { image, loop: await loopOver(t, image) }
}

void tap.test('a mounted device, its image, and another loop device of it', async (t) => {
  const { image, loop } = await newLoop(t)
  const other = await loopOver(t, image)
  await resolve(loop)
  await resolve(image)
  const at = await mountNew(t, loop)
  for (const path of [loop, image, other]) await inUse(t, path, `${loop} is mounted at ${at}`)
  await resolve(await makeImage(join(at, 'inner.img'), MIB))
  t.pass('an image on a mounted file system is fine')
})

void tap.test('a disk with a mounted partition, and the image below it; not the partition beside', async (t) => {
  const { image, loop } = await newLoop(t)
  const [one, two] = [await addPartition(t, loop, 1), await addPartition(t, loop, 10)]
  const at = await mountNew(t, one)
  for (const path of [one, loop, image]) await inUse(t, path, `${one} is mounted at ${at}`)
  await resolve(two)
})

void tap.test('a partition of a disk that is mounted as a whole', async (t) => {
  const { loop } = await newLoop(t)
  const part = await addPartition(t, loop)
  const at = await mountNew(t, loop)
  await inUse(t, part, `${loop} is mounted at ${at}`)
})

void tap.test('a device below a mounted loop device', async (t) => {
  const { loop } = await newLoop(t)
  const over = await loopOver(t, loop)
  const at = await mountNew(t, over)
  await inUse(t, loop, `${over} is mounted at ${at}`)
})

void tap.test('swap on a device, through a loop device, and on a file', async (t) => {
  const { image, loop } = await newLoop(t)
  await swapOn(t, loop)
  await inUse(t, loop, 'swap')
  await inUse(t, image, `${loop} is used as swap`)
  const disk = await loopOver(t, await makeImage(join(await scratch(t), 'b.img'), 32 * MIB))
  const file = join(await mountNew(t, disk), 'swap file')
  await run('dd', ['if=/dev/zero', `of=${file}`, 'bs=1M', 'count=8', 'status=none'])
  await run('chmod', ['600', file])
  await swapOn(t, file)
  await inUse(t, file, 'swap file', 'is used as swap space')
  await inUse(t, await loopOver(t, file), 'swap')
})

void tap.test('a device mounted in another mount namespace', async (t) => {
  const { image, loop } = await newLoop(t)
  const dir = await scratch(t)
  await run('mkfs.ext4', ['-q', loop])
  const other = spawn('unshare', ['--mount', '--propagation', 'private', 'sh', '-c', `mount ${loop} ${dir} && echo there && exec sleep 600`])
  t.teardown(async () => {
    other.kill('SIGKILL')
    await once(other, 'exit')
  })
  await once(other.stdout, 'data')
  for (const path of [loop, image]) await inUse(t, path, loop, `mounted at ${dir} in the mount namespace of process ${other.pid}`)
})

void tap.test('a device held exclusively by another program', async (t) => {
  const { image, loop } = await newLoop(t)
  // Exclusive without O_CREAT: what mkfs, mdadm and LVM do.
  const held = await open(loop, 0o200)
  t.teardown(() => held.close())
  for (const path of [loop, image]) await inUse(t, path, 'held exclusively')
})

void tap.test('a device opened by another program, but not exclusively, may be plugged', async (t) => {
  const { loop } = await newLoop(t)
  const opened = await open(loop, 'r+')
  t.teardown(() => opened.close())
  await resolve(loop)
})

void tap.test('a source is free again once the host let go', async (t) => {
  const { image, loop } = await newLoop(t)
  const at = join(await scratch(t))
  await run('mkfs.ext4', ['-q', loop])
  await run('mount', [loop, at])
  await inUse(t, image, at)
  await run('umount', [at])
  await until('the image to be free', () => resolve(image))
})

void tap.test('many looks at one device at once do not see each other', async (t) => {
  const { loop } = await newLoop(t)
  const part = await addPartition(t, loop)
  const other = createSources()
  for (let round = 0; round < 20; round++) {
    const paths = [loop, part, loop, part]
    await Promise.all(paths.flatMap((path) => [resolve(path), other.resolve({ kind: 'local', path, format: 'qcow2' }).catch(formatOnly)]))
  }
  t.pass('none took a probe of our own for a use')
})

function formatOnly(error: unknown): void {
  if (!(error instanceof Error) || !('reason' in error) || error.reason !== 'ImageFormatMismatch') throw error
}
