import { mkdir, mkdtemp, open, rm, symlink } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { makeBlockDevice, run } from '../support/lab.ts'
import { deleteManifest, writeManifest } from './manifest.ts'
import { makeDirectory, makeFile, MIB, plug, startScene, unplug } from './user-scene.ts'

const { host, guest, daemon } = await startScene(t)
const directory = await makeDirectory(t)
const at = (name: string): string => join(directory, name)

/** What a person reads when a source is refused, by HTTP and by hotplugctl. */
interface Refusal {
  readonly reason: string
  readonly message: string | RegExp
  readonly remedy: RegExp
  readonly status?: number
  readonly flags?: readonly string[]
}

async function isRefused(t: Test, source: string, { reason, message, remedy, status = 400, flags = [] }: Refusal): Promise<void> {
  const format = flags.includes('--format=qcow2') ? { format: 'qcow2' } : {}
  t.match(await daemon.add('vm1', 'bad', source, format), { status, body: { kind: 'Status', message, details: { causes: [{ reason, message }, { reason: 'Remedy', message: remedy }] } } })
  const { exitCode, stdout, stderr } = await daemon.ctl('addvolume', 'vm1', '--volume-name=bad', `--source=${source}`, ...flags)
  t.equal(exitCode, 1)
  t.equal(stdout, '')
  const [, said, what, todo] = /^error: (.*) \((\w+)\)\n {2}remedy: (.*)\n$/.exec(stderr) ?? []
  t.match([said, what, todo], [message, reason, remedy])
}

const KIND = /^Name a block device, a regular image file, or a directory/

t.test('not there', async (t) => {
  await symlink(at('nowhere'), at('dangling'))
  await makeFile(at('file.img'), MIB)
  await isRefused(t, at('missing'), { reason: 'SourceMissing', message: `${at('missing')} does not exist`, remedy: /correct the path/ })
  await isRefused(t, at('dangling'), { reason: 'SourceMissing', message: `${at('dangling')} is a link to ${at('nowhere')}, which is not there`, remedy: /correct the path/ })
  await isRefused(t, at('file.img/below'), { reason: 'SourceMissing', message: `${at('file.img')} is not a directory`, remedy: /correct the path/ })
})

t.test('of the wrong kind', async (t) => {
  await run('mkfifo', [at('fifo')])
  const server = createServer().listen(at('socket'))
  t.teardown(() => server.close())
  await isRefused(t, at('fifo'), { reason: 'SourceNotSupported', message: `${at('fifo')} is a FIFO`, remedy: KIND })
  await isRefused(t, at('socket'), { reason: 'SourceNotSupported', message: `${at('socket')} is a socket`, remedy: KIND })
  await isRefused(t, '/dev/null', { reason: 'SourceNotSupported', message: '/dev/null is a character device', remedy: KIND })
})

t.test('empty', async (t) => {
  await makeFile(at('empty.img'), 0)
  await isRefused(t, at('empty.img'), { reason: 'SourceEmpty', message: `${at('empty.img')} has no bytes`, remedy: /Give .* a size/ })
})

t.test('a directory without image, or with one that is not a regular file', async (t) => {
  await mkdir(at('without'))
  await isRefused(t, at('without'), { reason: 'ImageMissing', message: `the directory ${at('without')} holds no disk.img`, remedy: /Put an image named disk\.img/ })
  const hostile = [
    ['link', () => symlink('/etc/shadow', at('link/disk.img')), 'is a symbolic link to /etc/shadow'],
    ['fifo-below', () => run('mkfifo', [at('fifo-below/disk.img')]), 'is a FIFO'],
    ['directory', () => mkdir(at('directory/disk.img')), 'is a directory'],
    ['node', () => run('mknod', [at('node/disk.img'), 'b', '7', '0']), 'is a block device'],
  ] as const
  for (const [name, make, words] of hostile) {
    await mkdir(at(name))
    await make()
    await isRefused(t, at(name), { reason: 'UnsafePath', message: `${at(name)}/disk.img ${words}, not a regular file of that directory`, remedy: /Replace the link or special file/ })
  }
})

t.test('an image of another format than said, or one that names other files', async (t) => {
  const raw = await makeFile(at('raw.img'), MIB)
  const qcow2 = ['--format=qcow2']
  await isRefused(t, raw, { flags: qcow2, reason: 'ImageFormatMismatch', message: `${raw} cannot be read as qcow2: it does not begin as a qcow2 image does`, remedy: /--format/ })
  await run('qemu-img', ['create', '-q', '-f', 'qcow2', '-b', raw, '-F', 'raw', at('overlay.qcow2')])
  await isRefused(t, at('overlay.qcow2'), { flags: qcow2, reason: 'ImageReferencesFile', message: `the qcow2 image ${at('overlay.qcow2')} has a backing file`, remedy: /qemu-img convert/ })
  await run('qemu-img', ['create', '-q', '-f', 'qcow2', '-o', `data_file=${at('data')},data_file_raw=on`, at('outside.qcow2'), '1M'])
  await isRefused(t, at('outside.qcow2'), { flags: qcow2, reason: 'ImageReferencesFile', message: 'keeps its data in another file', remedy: /qemu-img convert/ })
})

t.test('a device that the host has mounted, and its backing file; free again, it is taken', async (t) => {
  const device = await makeBlockDevice(4 * MIB, t)
  const mountpoint = await mkdtemp(join(tmpdir(), 'hotplugd-mount-'))
  await run('mkfs.ext4', ['-q', device.path])
  await run('mount', [device.path, mountpoint])
  try {
    const words = `${device.path} is mounted at ${mountpoint}`
    const expected = { status: 409, reason: 'SourceInUseByHost', remedy: /Unmount it/ }
    await isRefused(t, device.path, { ...expected, message: `${device.path} is in use by the host: ${words}` })
    await isRefused(t, device.backingFile, { ...expected, message: words })
  } finally {
    await run('umount', [mountpoint])
    await rm(mountpoint, { recursive: true })
  }
  await plug(daemon, 'vm1', 'bad', device.path)
  await unplug(daemon, 'vm1', 'bad')
})

t.test('a device that the host swaps on', async (t) => {
  const device = await makeBlockDevice(4 * MIB, t)
  await run('mkswap', ['-q', device.path])
  await run('swapon', [device.path])
  try {
    await isRefused(t, device.path, { status: 409, reason: 'SourceInUseByHost', message: `${device.path} is used as swap space`, remedy: /stop what the host uses it for/ })
  } finally {
    await run('swapoff', [device.path])
  }
})

t.test('a device that another program holds exclusively', async (t) => {
  const device = await makeBlockDevice(MIB, t)
  const O_EXCL = 0o200
  const held = await open(device.path, O_EXCL)
  await isRefused(t, device.path, { status: 409, reason: 'SourceInUseByHost', message: `${device.path} is held exclusively by another program`, remedy: /stop what the host uses it for/ })
  await held.close()
  await plug(daemon, 'vm1', 'bad', device.path)
  await unplug(daemon, 'vm1', 'bad')
})

t.test('paths that are none', async (t) => {
  for (const path of ['relative/path', '', `/${'a/'.repeat(3000)}`, '/tmp/line\nbreak']) {
    t.match(await daemon.add('vm1', 'bad', path), { status: 400, body: { details: { causes: [{ reason: 'InvalidRequest' }] } } }, path.slice(0, 20))
  }
})

t.test('in a manifest it is a condition, and mended by itself', async (t) => {
  await writeManifest(daemon, 'vm1', { late: at('late.img') })
  t.match(await daemon.reason('vm1', 'late', 'SourceMissing'), { phase: 'Pending', conditions: [{ type: 'SourceReady', status: 'False', reason: 'SourceMissing' }, {}, {}, { type: 'Ready', status: 'False' }] })
  await makeFile(at('late.img'), MIB)
  await daemon.ready('vm1', 'late')
  await deleteManifest(daemon, 'vm1.yaml')
  await daemon.gone('vm1', 'late')
})

t.test('nothing was half-done by any of them', async (t) => {
  t.same(await daemon.volumes('vm1'), [])
  t.same(await guest.disks(), [])
  t.notMatch(await host.virsh('dumpxml', 'vm1'), /ua-/)
})
