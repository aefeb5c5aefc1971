import { createServer } from 'node:net'
import { mkdir, open, rename, symlink, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import tap, { type Test } from 'tap'
import { VM } from '../../../core/facts.ts'
import { createSources } from '../../../../src/adapters/linux/host/sources.ts'
import type { ImageFormat } from '../../../../src/model/source.ts'
import { run } from '../../../support/command.ts'
import { until } from '../../../support/wait.ts'
import { addPartition, loopOver, makeImage, MIB, swappableLoop } from '../block-lab.ts'
import { refusalOf, scratch } from '../scratch.ts'

const sources = createSources()
const resolve = (path: string, format: ImageFormat = 'raw') => sources.resolve({ kind: 'local', path, format })
const refused = (path: string, format?: ImageFormat) => refusalOf(() => resolve(path, format))

void tap.test('a regular file', async (t) => {
  const path = await makeImage(join(await scratch(t), 'a.img'))
  const found = await resolve(path)
  t.match(found, { path, sizeBytes: 16 * MIB, format: 'raw', identity: { kind: 'file', inode: /^\d+$/ }, footprint: { below: [] } })
  t.same(await sources.identify({ path, kind: 'file', handle: {} }), found.identity)
  t.same(await sources.footprints([path, '/nowhere', '/dev/null'], VM), [found.footprint, null, null])
})

void tap.test('links in the path are followed once, and the result is the real path', async (t) => {
  const dir = await scratch(t)
  await mkdir(join(dir, 'real'))
  const path = await makeImage(join(dir, 'real', 'a.img'))
  await symlink('real', join(dir, 'dir'))
  await symlink('dir/a.img', join(dir, 'file'))
  t.equal((await resolve(join(dir, 'file'))).path, path)
  t.equal((await resolve(`${dir}//dir/../real/./a.img`)).path, path)
})

void tap.test('a loop device is its backing file under another name, from either side', async (t) => {
  const image = await makeImage(join(await scratch(t), 'a.img'))
  const loop = await loopOver(t, image)
  const [file, device] = [await resolve(image), await resolve(loop)]
  t.match(device, { path: loop, sizeBytes: 16 * MIB, identity: { kind: 'block', device: /^7:\d+$/, diskseq: /^\d+$/ } })
  t.ok(device.footprint.same.includes(file.footprint.same[0] ?? ''), 'they meet in the inode')
  t.same(await sources.footprints([loop], VM), [device.footprint])
})

void tap.test('another backing file is another identity under the same number', async (t) => {
  const dir = await scratch(t)
  const [one, two] = [await makeImage(join(dir, 'one')), await makeImage(join(dir, 'two'))]
  const loop = await swappableLoop(t, one)
  const before = await resolve(loop)
  await run('losetup', ['--detach', loop])
  await run('losetup', [loop, two])
  const after = await resolve(loop)
  t.match(after.identity, { device: before.identity.kind === 'block' ? before.identity.device : '' })
  t.not(JSON.stringify(after.identity), JSON.stringify(before.identity))
  t.not(JSON.stringify(after.footprint), JSON.stringify(before.footprint), 'the remembered backing file is not used')
  const exposure = { path: loop, kind: 'block', handle: {} } as const
  t.same(await sources.identify(exposure), after.identity)
})

void tap.test('a loop device over a block device is that device', async (t) => {
  const disk = await loopOver(t, await makeImage(join(await scratch(t), 'a.img')))
  const over = await resolve(await loopOver(t, disk))
  const below = await resolve(disk)
  for (const key of below.footprint.same) t.ok(over.footprint.same.includes(key), key)
})

void tap.test('a partition stands on its disk and on what the disk is', async (t) => {
  const image = await makeImage(join(await scratch(t), 'a.img'), 32 * MIB)
  const disk = await loopOver(t, image)
  const [one, two] = [await resolve(await addPartition(t, disk, 1)), await resolve(await addPartition(t, disk, 10))]
  const whole = await resolve(disk)
  t.match(one.identity, { kind: 'block', diskseq: whole.identity.kind === 'block' ? whole.identity.diskseq : '' })
  t.equal(one.sizeBytes, 8 * MIB)
  t.same(one.footprint.below, whole.footprint.same)
  t.notOk(two.footprint.same.some((key) => one.footprint.same.includes(key)), 'two partitions do not overlap')
})

void tap.test('a directory source is the disk.img in it', async (t) => {
  const dir = await scratch(t)
  t.match(await refused(dir), { reason: 'ImageMissing' })
  const image = await makeImage(join(dir, 'disk.img'))
  t.equal((await resolve(dir)).path, image)
  t.equal((await resolve(`${dir}/`)).path, image)
})

void tap.test('below a directory nothing is followed', async (t) => {
  const dir = await scratch(t)
  await makeImage(join(dir, 'elsewhere.img'))
  await unsafe(t, dir, 'symbolic link to elsewhere.img', (at) => symlink('elsewhere.img', at))
  await unsafe(t, dir, 'symbolic link to /etc/passwd', (at) => symlink('/etc/passwd', at))
  await unsafe(t, dir, 'FIFO', (at) => run('mkfifo', [at]))
  await unsafe(t, dir, 'directory', (at) => mkdir(at))
  await unsafe(t, dir, 'character device', (at) => run('mknod', [at, 'c', '1', '5']))
  await unsafe(t, dir, 'block device', (at) => run('mknod', [at, 'b', '7', '0']))
  await makeImage(join(dir, 'disk.img'))
  await run('mount', ['--bind', join(dir, 'elsewhere.img'), join(dir, 'disk.img')])
  t.teardown(() => run('umount', [join(dir, 'disk.img')]))
  t.match(await refused(dir), { reason: 'UnsafePath', message: /mount point/ })
})

async function unsafe(t: Test, dir: string, what: string, make: (at: string) => Promise<unknown>): Promise<void> {
  await make(join(dir, 'disk.img'))
  const error = await refused(dir)
  t.match(error, { reason: 'UnsafePath' })
  t.ok(error.message.includes(`disk.img is a ${what}`), error.message)
  await run('rm', ['-rf', join(dir, 'disk.img')])
}

void tap.test('what is no source, with its reason', async (t) => {
  const dir = await scratch(t)
  await run('mkfifo', [join(dir, 'fifo')])
  await writeFile(join(dir, 'empty'), '')
  await symlink('gone', join(dir, 'dangling'))
  await symlink('round', join(dir, 'round'))
  const server = createServer().listen(join(dir, 'socket'))
  t.teardown(() => server.close())
  await until('the socket', () => server.listening)
  await run('mknod', [join(dir, 'no-device'), 'b', '7', '1048575'])
  const cases: readonly [string, string, RegExp][] = [
    ['relative/path', 'InvalidRequest', /absolute/],
    [join(dir, 'a/b/c'), 'SourceMissing', /there is no .*\/a$/],
    [join(dir, 'empty/c'), 'SourceMissing', /empty is not a directory/],
    [join(dir, 'dangling'), 'SourceMissing', /dangling is a link to gone/],
    [join(dir, 'round'), 'SourceUnreadable', /ELOOP/],
    [join(dir, 'x'.repeat(300)), 'SourceUnreadable', /ENAMETOOLONG/],
    [join(dir, 'empty'), 'SourceEmpty', /no bytes/],
    [join(dir, 'fifo'), 'SourceNotSupported', /is a FIFO/],
    [join(dir, 'socket'), 'SourceNotSupported', /is a socket/],
    [join(dir, 'no-device'), 'SourceMissing', /no block device 7:1048575/],
    ['/dev/null', 'SourceNotSupported', /is a character device/],
  ]
  for (const [path, reason, message] of cases) t.match(await refused(path), { reason, message })
})

void tap.test('a device without a medium is empty', async (t) => {
  const image = await makeImage(join(await scratch(t), 'a.img'), 0)
  t.match(await refused(await loopOver(t, image)), { reason: 'SourceEmpty' })
})

void tap.test('a qcow2 image must be one, and whole in itself', async (t) => {
  const dir = await scratch(t)
  const make = async (name: string, ...args: string[]): Promise<string> => {
    await run('qemu-img', ['create', '-q', '-f', 'qcow2', ...args, join(dir, name), '16M'])
    return join(dir, name)
  }
  const plain = await make('plain.qcow2')
  t.match(await resolve(plain, 'qcow2'), { format: 'qcow2' })
  t.match(await resolve(await make('old.qcow2', '-o', 'compat=0.10'), 'qcow2'), { format: 'qcow2' })
  t.match(await refused(await make('b.qcow2', '-b', plain, '-F', 'qcow2'), 'qcow2'), { reason: 'ImageReferencesFile', message: /backing file/ })
  t.match(await refused(await make('d.qcow2', '-o', `data_file=${join(dir, 'data')}`), 'qcow2'), { reason: 'ImageReferencesFile' })
  const encrypted = await make('e.qcow2')
  await patch(encrypted, 32, [0, 0, 0, 2])
  t.match(await refused(encrypted, 'qcow2'), { reason: 'ImageFormatMismatch', message: /encrypted/ })
  t.match(await refused(await makeImage(join(dir, 'raw')), 'qcow2'), { reason: 'ImageFormatMismatch' })
  await writeFile(join(dir, 'short'), 'QFI\xfb', 'latin1')
  t.match(await refused(join(dir, 'short'), 'qcow2'), { reason: 'ImageFormatMismatch' })
  t.match(await resolve(join(dir, 'b.qcow2')), { format: 'raw' }, 'the bytes of a raw image are nobody’s business')
})

async function patch(path: string, offset: number, bytes: readonly number[]): Promise<void> {
  await using file = await open(path, 'r+')
  await file.write(Buffer.from(bytes), 0, bytes.length, offset)
}

void tap.test('a qcow2 header is read from a block device too', async (t) => {
  const image = join(await scratch(t), 'a.qcow2')
  await run('qemu-img', ['create', '-q', '-f', 'qcow2', image, '16M'])
  await truncate(image, 4 * MIB)
  t.match(await resolve(await loopOver(t, image), 'qcow2'), { format: 'qcow2' })
})

void tap.test('sizes are seen to grow, and to be of the same source', async (t) => {
  const dir = await scratch(t)
  const image = await makeImage(join(dir, 'a.img'))
  const backing = await makeImage(join(dir, 'b.img'))
  const found = [await resolve(image), await resolve(await loopOver(t, backing))]
  t.same(sources.sizes(found), [16 * MIB, 16 * MIB])
  await truncate(image, 32 * MIB)
  await truncate(backing, 48 * MIB)
  await run('losetup', ['--set-capacity', found[1]?.path ?? ''])
  t.same(sources.sizes(found), [32 * MIB, 48 * MIB])
  await rename(image, join(dir, 'moved'))
  await makeImage(image)
  t.same(sources.sizes(found), [null, 48 * MIB], 'another inode under the path')
})

void tap.test('the size of a file that might have to wait for a server is asked aside', async (t) => {
  const dir = await scratch(t)
  const [lower, upper, work, at] = ['lower', 'upper', 'work', 'at'].map((name) => join(dir, name))
  await run('mkdir', [lower ?? '', upper ?? '', work ?? '', at ?? ''])
  await run('mount', ['-t', 'overlay', 'overlay', '-o', `lowerdir=${lower},upperdir=${upper},workdir=${work}`, at ?? ''])
  t.teardown(() => run('umount', [at ?? '']))
  const found = await resolve(await makeImage(join(at ?? '', 'a.img')))
  await until('the size', () => sources.sizes([found])[0] === 16 * MIB)
  await truncate(found.path, 17 * MIB)
  await until('the new size', () => sources.sizes([found])[0] === 17 * MIB)
  await run('rm', [found.path])
  await until('the file gone', () => sources.sizes([found])[0] === null)
})

void tap.test('identify sees what is there now', async (t) => {
  const dir = await scratch(t)
  const at = join(dir, 'x')
  const identify = () => sources.identify({ path: at, kind: 'file', handle: {} })
  t.equal(await identify(), null)
  await symlink('/etc/passwd', at)
  t.match(await refusalOf(identify), { reason: 'UnsafePath', message: /symbolic link/ })
})

void tap.test('a signal ends the wait, not the act', async (t) => {
  const path = await makeImage(join(await scratch(t), 'a.img'))
  const source = { kind: 'local', path, format: 'raw' } as const
  await t.rejects(sources.resolve(source, AbortSignal.abort(new Error('enough'))), { message: 'enough' })
  const controller = new AbortController()
  const going = sources.resolve(source, controller.signal)
  controller.abort(new Error('enough'))
  await t.rejects(going, { message: 'enough' })
  t.match(await sources.resolve(source, new AbortController().signal), { path })
})

