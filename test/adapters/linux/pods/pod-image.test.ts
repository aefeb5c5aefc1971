import { createHash } from 'node:crypto'
import { chown, mkdir, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import tap from 'tap'
import { run } from '../../../support/command.ts'
import { until } from '../../../support/wait.ts'
import { refusalOf } from '../scratch.ts'
import { CGROUP_VERSIONS, MIB, startPodLab, VM, type PodLab } from './pod-lab.ts'

tap.setTimeout(300_000)

const CGROUPS = CGROUP_VERSIONS[0] ?? 'v2'
const IMAGE = Buffer.alloc(2 * MIB, 'image ')

/** Mount points in the launcher's directory, as the launcher has them. */
const mountsIn = async (lab: PodLab): Promise<string[]> => {
  const lines = (await readFile(`/proc/${lab.launcher.pid}/mountinfo`, 'utf8')).split('\n')
  return lines.map((line) => line.split(' ')[4] ?? '').filter((at) => at.includes('/hotplug-disks/'))
}

const emptyDirOf = (lab: PodLab): Promise<string[]> => readdir(lab.launcher.emptyDir('hotplug-disks'))

for (const cgroups of CGROUP_VERSIONS) {
  void tap.test(`an image is exposed in the launcher and taken back, cgroups ${cgroups}`, async (t) => {
    const lab = await startPodLab(t, cgroups)
    const { at } = await lab.makeFilesystem(IMAGE)
    await lab.attachFilesystem('f1', at)
    const source = await lab.sources.resolve(lab.claim('f1'))
    const inside = await stat(join(lab.node.root + at, 'disk.img'))
    t.match(source, { path: '/var/run/kubevirt/hotplug-disks/f1.img', identity: { kind: 'file', inode: String(inside.ino) }, sizeBytes: IMAGE.length })
    const { identity } = source
    if (identity.kind !== 'file') throw new Error(identity.kind)
    t.same(source.footprint, { same: [`i:${identity.filesystem}:${identity.inode}`], below: [] })

    const exposure = lab.plan(source)
    t.equal(await lab.sources.identify(exposure), null)
    await lab.exposures.expose(VM, exposure, source)
    const seen = await lab.launcher.exec('sha256sum', exposure.path)
    t.equal(seen.split(' ')[0], createHash('sha256').update(IMAGE).digest('hex'))
    await lab.launcher.exec('sh', '-c', `printf written | dd of=${exposure.path} conv=notrunc status=none`)
    t.match((await readFile(join(lab.node.root + at, 'disk.img'), 'latin1')).slice(0, 12), /^written/, "QEMU's user may write")
    t.same(await lab.sources.identify(exposure), identity)
    t.equal((await stat(lab.entry('f1.img'))).size, 0, 'nothing of it shows on the node')

    await lab.exposures.expose(VM, exposure, source)
    t.equal((await mountsIn(lab)).length, 1, 'done twice, it is there once')
    await lab.exposures.release(VM, JSON.parse(JSON.stringify(exposure)) as typeof exposure)
    t.same([await mountsIn(lab), await emptyDirOf(lab)], [[], []])
    t.equal(await lab.sources.identify(exposure), null)
    await lab.exposures.release(VM, exposure)
  })
}

void tap.test('sizes, and an image that grows', async (t) => {
  const lab = await startPodLab(t, CGROUPS)
  const { at } = await lab.makeFilesystem(IMAGE)
  await lab.attachFilesystem('f1', at)
  const { source, exposure } = await lab.expose('f1')
  const question = [{ path: exposure.path, identity: source.identity, handle: exposure.handle }]
  await until('the size', () => lab.sources.sizes(question)[0] === IMAGE.length)
  await truncate(join(lab.node.root + at, 'disk.img'), 3 * MIB)
  await until('the new size', () => lab.sources.sizes(question)[0] === 3 * MIB)
  await lab.exposures.release(VM, exposure)
  await until('no size', () => lab.sources.sizes(question)[0] === null)
  const elsewhere = await lab.sources.footprints([exposure.path, '/etc/passwd', '/var/../etc/passwd', '/nowhere'], VM)
  t.match(elsewhere, [null, { same: [/^i:/] }, { same: elsewhere[1]?.same ?? [] }, null])
})

void tap.test('in use it stays, duplicates go together, and what is not ours is left alone', async (t) => {
  const lab = await startPodLab(t, CGROUPS)
  const { at } = await lab.makeFilesystem(IMAGE)
  await lab.attachFilesystem('f1', at)
  const { exposure } = await lab.expose('f1')
  const pid = await lab.act('qemu-system-x86_64', 'hold', exposure.path)
  t.match(await refusalOf(() => lab.exposures.release(VM, exposure)), { reason: 'ReleaseFailed', message: /EBUSY from umount2/, detail: { errno: 'EBUSY' } })
  t.equal((await mountsIn(lab)).length, 1)
  process.kill(pid, 'SIGKILL')
  await until('the file to be closed', async () => / Z |^$/.test(await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')))

  const inside = (...args: string[]): Promise<string> => run('nsenter', [`--target=${lab.launcher.pid}`, '--mount', ...args])
  await inside('mount', '--bind', exposure.path, exposure.path)
  await lab.exposures.release(VM, exposure)
  t.same(await mountsIn(lab), [])

  await lab.expose('f1')
  await inside('mount', '--bind', '/etc/passwd', exposure.path)
  t.match(await refusalOf(() => lab.exposures.release(VM, exposure)), { reason: 'ExposureFailed', message: /taken by something else/ })
  t.match(await refusalOf(() => lab.expose('f1')), { reason: 'ExposureFailed' })
  t.equal((await mountsIn(lab)).length, 2)
  await inside('busybox', 'umount', exposure.path)
  await lab.exposures.release(VM, exposure)
  t.same([await mountsIn(lab), await emptyDirOf(lab)], [[], []])
})

void tap.test('leftovers: an empty file is used and removed, anything else refused and left', async (t) => {
  const lab = await startPodLab(t, CGROUPS)
  const { at } = await lab.makeFilesystem(IMAGE)
  await lab.attachFilesystem('f1', at)
  const source = await lab.sources.resolve(lab.claim('f1'))
  const exposure = lab.plan(source)
  await writeFile(lab.entry('f1.img'), '')
  await lab.exposures.expose(VM, exposure, source)
  await lab.exposures.release(VM, exposure)
  t.same(await emptyDirOf(lab), [])
  const tricks: [what: string, program: string, ...args: string[]][] = [
    ['symbolic link to /etc/passwd', 'ln', '-s', '/etc/passwd'], ['FIFO', 'mkfifo'], ['directory', 'mkdir'], ['regular file with bytes', 'cp', '/etc/hostname'],
  ]
  for (const [what, program, ...args] of tricks) {
    await run(program, [...args, lab.entry('f1.img')])
    t.match(await refusalOf(() => lab.exposures.expose(VM, exposure, source)), { reason: 'UnsafePath', message: new RegExp(what) })
    await lab.exposures.release(VM, exposure)
    t.same(await emptyDirOf(lab), ['f1.img'], what)
    await rm(lab.entry('f1.img'), { recursive: true })
  }
})

void tap.test('what the volume has in place of an image', async (t) => {
  const lab = await startPodLab(t, CGROUPS)
  const { at } = await lab.makeFilesystem(null)
  await lab.attachFilesystem('f1', at)
  const image = join(lab.node.root + at, 'disk.img')
  const refused = async (reason: string, message: RegExp): Promise<void> => {
    t.match(await refusalOf(() => lab.sources.resolve(lab.claim('f1'))), { reason, message })
  }
  await refused('ImageMissing', /f1 holds no disk.img/)
  await mkdir(image)
  await refused('UnsafePath', /is a directory/)
  await rm(image, { recursive: true })
  await lab.node.run('ln', '-s', '/etc/passwd', join(at, 'disk.img'))
  await refused('UnsafePath', /symbolic link to \/etc\/passwd/)
  await rm(image)
  await lab.node.run('mkfifo', join(at, 'disk.img'))
  await refused('UnsafePath', /FIFO/)
  await rm(image)
  await lab.node.run('mknod', join(at, 'disk.img'), 'b', '7', '0')
  await refused('UnsafePath', /block device/)
  await rm(image)
  await writeFile(image, '')
  await refused('SourceEmpty', /f1\/disk.img/)
})

void tap.test('a replacement pod that does not mount the volume, and one that does', async (t) => {
  const lab = await startPodLab(t, CGROUPS)
  const { at } = await lab.makeFilesystem(IMAGE)
  await lab.attachFilesystem('f1', at)
  const [first] = lab.attachments.get('f1') ?? []
  await lab.attachFilesystem('other', at)
  const [replacement] = lab.attachments.get('other') ?? []
  if (first === undefined || replacement === undefined) throw new Error('no pods')
  lab.attachments.set('f1', [replacement, first])
  const { source } = await lab.expose('f1')
  t.equal(source.handle?.['attachment'], first.uid)
  lab.attachments.set('f1', [replacement])
  t.match(await refusalOf(() => lab.sources.resolve(lab.claim('f1'))), { reason: 'SourceMissing', message: /nothing is mounted at \/f1/ })
  const again = await lab.attachFilesystem('f1', at)
  const found = await lab.sources.resolve(lab.claim('f1'))
  t.equal(found.handle?.['attachment'], again.uid)
  t.same(found.identity, source.identity, 'one source in two pods')
})

void tap.test('an image that is swapped between look-up and expose', async (t) => {
  const lab = await startPodLab(t, CGROUPS)
  const { at } = await lab.makeFilesystem(IMAGE)
  await lab.attachFilesystem('f1', at)
  const source = await lab.sources.resolve(lab.claim('f1'))
  await rm(join(lab.node.root + at, 'disk.img'))
  await lab.writeOn(join(at, 'in between'), IMAGE)
  await lab.writeOn(join(at, 'disk.img'), IMAGE)
  const before = await stat(join(lab.node.root + at, 'disk.img'))
  const exposure = lab.plan(source)
  const changed = source.identity.kind === 'file' && source.identity.inode !== String(before.ino)
  if (changed) t.match(await refusalOf(() => lab.exposures.expose(VM, exposure, source)), { reason: 'SourceChanged' })
  t.equal((await stat(join(lab.node.root + at, 'disk.img'))).uid, 0, 'nobody was given it')
  t.same(await mountsIn(lab), [])
})

void tap.test('a read-only file system, and directories of the host', async (t) => {
  const lab = await startPodLab(t, CGROUPS)
  const { at } = await lab.makeFilesystem(IMAGE)
  await lab.node.run('mount', '-o', 'remount,ro', at)
  await lab.attachFilesystem('ro', at)
  const { exposure } = await lab.expose('ro')
  t.match(await lab.launcher.exec('head', '-c', '6', exposure.path), 'image ')
  const directory = join(lab.node.kubeletDir, 'host path/sub')
  await mkdir(directory, { recursive: true })
  await writeFile(join(directory, 'disk.img'), IMAGE)
  await lab.attachFilesystem('hp', directory)
  const { exposure: second } = await lab.expose('hp')
  t.match(await lab.launcher.exec('head', '-c', '6', second.path), 'image ')
  await lab.exposures.release(VM, exposure)
  t.equal((await mountsIn(lab)).length, 1)
  await lab.exposures.release(VM, second)
})

void tap.test('a launcher that ends takes its mounts along', async (t) => {
  const lab = await startPodLab(t, CGROUPS)
  const { at } = await lab.makeFilesystem(IMAGE)
  await lab.attachFilesystem('f1', at)
  const { exposure } = await lab.expose('f1')
  await chown(lab.launcher.emptyDir('hotplug-disks'), 0, 107)
  await lab.launcher.kill()
  await lab.exposures.release(VM, exposure)
  t.same(await emptyDirOf(lab), [])
  await lab.launcher.delete()
  await lab.exposures.release(VM, exposure)
  t.pass('nothing left to do')
})
