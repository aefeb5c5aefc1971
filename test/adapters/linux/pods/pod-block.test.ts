import { randomUUID } from 'node:crypto'
import { readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import tap from 'tap'
import { run } from '../../../support/command.ts'
import { loopAside, makeBlockDevice } from '../../../support/block-device.ts'
import { until } from '../../../support/wait.ts'
import { refusalOf } from '../scratch.ts'
import { CGROUP_VERSIONS, deviceNumber, makeNode, MIB, startPodLab, VM, type PodLab } from './pod-lab.ts'

tap.setTimeout(300_000)

const rulesOf = (lab: PodLab): Promise<string> => readFile(join(lab.node.devicesRoot, lab.launcher.containerCgroup, 'devices.list'), 'utf8')

for (const cgroups of CGROUP_VERSIONS) {
  void tap.test(`a block claim is exposed in the launcher and taken back, cgroups ${cgroups}`, async (t) => {
    const lab = await startPodLab(t, cgroups)
    const device = await makeBlockDevice(4 * MIB, t)
    const number = await deviceNumber(device.path)
    await device.write(512, Buffer.from('the very bytes'))
    await lab.attachBlock('b1', device.path)
    const source = await lab.sources.resolve(lab.claim('b1'))
    const diskseq = (await readFile(`/sys/dev/block/${number}/diskseq`, 'utf8')).trim()
    t.match(source, { path: '/var/run/kubevirt/hotplug-disks/b1', identity: { kind: 'block', device: number, diskseq }, sizeBytes: 4 * MIB, format: 'raw' })
    const backing = await stat(device.backingFile)
    t.ok(source.footprint.same.some((key) => key.endsWith(`:${backing.ino}`)), 'the file below the device is part of it')

    const exposure = lab.plan(source)
    t.equal(await lab.sources.identify(exposure), null)
    await lab.exposures.expose(VM, exposure, source)
    t.match(await lab.launcher.exec('dd', `if=${exposure.path}`, 'bs=512', 'skip=1', 'count=1', 'status=none'), /^the very bytes/)
    t.same(await lab.sources.identify(exposure), source.identity)
    t.match(await stat(lab.entry('b1')), { uid: 107, gid: 107 })
    t.same(lab.sources.sizes([{ path: exposure.path, identity: source.identity, handle: exposure.handle }]), [4 * MIB])
    await lab.exposures.expose(VM, exposure, source)
    t.equal((await lab.sources.resolve(lab.claim('b1'))).handle?.['ownRule'], true, 'a rule of an earlier attempt is still ours')

    await lab.exposures.release(VM, JSON.parse(JSON.stringify(exposure)) as typeof exposure)
    t.same(await readdir(lab.launcher.emptyDir('hotplug-disks')), [])
    t.equal(await lab.sources.identify(exposure), null)
    await makeNode(lab.entry('again'), device.path)
    await run('chown', ['107:107', lab.entry('again')])
    await t.rejects(lab.launcher.exec('dd', 'if=/var/run/kubevirt/hotplug-disks/again', 'of=/dev/null', 'count=1'), /not permitted/)
    await lab.exposures.release(VM, exposure)
  })
}

void tap.test('the owner is that of QEMU, and an older node of ours is taken over', async (t) => {
  const lab = await startPodLab(t, CGROUP_VERSIONS[0] ?? 'v2', { runAs: 1234 })
  const device = await makeBlockDevice(MIB, t)
  await lab.attachBlock('b1', device.path)
  await lab.act('qemu-system-x86_64', 'hold', '/dev/null')
  await makeNode(lab.entry('b1'), device.path)
  await lab.expose('b1')
  t.match(await stat(lab.entry('b1')), { uid: 1234, gid: 1234 })
})

void tap.test('a node of another device: replaced if nobody has it open, else refused', async (t) => {
  const lab = await startPodLab(t, CGROUP_VERSIONS[0] ?? 'v2')
  const [device, stale] = [await makeBlockDevice(MIB, t), await makeBlockDevice(MIB, t)]
  await lab.attachBlock('b1', device.path)
  await lab.attachBlock('b2', stale.path)
  const { exposure: other } = await lab.expose('b2')
  await rename(lab.entry('b2'), lab.entry('b1'))
  const pid = await lab.act('qemu-system-x86_64', 'hold', other.path.replace('b2', 'b1'))
  const source = await lab.sources.resolve(lab.claim('b1'))
  const refusal = await refusalOf(() => lab.exposures.expose(VM, lab.plan(source), source))
  t.match(refusal, { reason: 'ExposureFailed', message: new RegExp(await deviceNumber(stale.path)) })
  process.kill(pid, 'SIGKILL')
  await until('the killed process to close it', () => lab.expose('b1').catch(() => null))
  t.equal(await deviceNumber(lab.entry('b1')), await deviceNumber(device.path))
})

void tap.test('what was put in the way is refused, and nothing of it is taken away', async (t) => {
  const lab = await startPodLab(t, CGROUP_VERSIONS[0] ?? 'v2')
  const device = await makeBlockDevice(MIB, t)
  await lab.attachBlock('b1', device.path)
  const source = await lab.sources.resolve(lab.claim('b1'))
  const exposure = lab.plan(source)
  const tricks = { 'symbolic link to /etc/passwd': ['ln', '-s', '/etc/passwd'], FIFO: ['mkfifo'], directory: ['mkdir'], 'regular file': ['touch'] }
  for (const [what, [program = '', ...args]] of Object.entries(tricks)) {
    await run(program, [...args, lab.entry('b1')])
    const refusal = await refusalOf(() => lab.exposures.expose(VM, exposure, source))
    t.match(refusal, { reason: 'UnsafePath', message: new RegExp(what) })
    await lab.exposures.release(VM, exposure)
    await rm(lab.entry('b1'), { recursive: true })
  }
  await rename(lab.launcher.emptyDir('hotplug-disks'), lab.launcher.emptyDir('elsewhere'))
  await run('ln', ['-s', '/etc', lab.launcher.emptyDir('hotplug-disks')])
  t.match(await refusalOf(() => lab.exposures.expose(VM, exposure, source)), { reason: 'LauncherNotFound' })
  t.match(await refusalOf(() => lab.exposures.release(VM, exposure)), { reason: 'UnsafePath' })
  await rm(lab.launcher.emptyDir('hotplug-disks'))
  t.match(await refusalOf(() => lab.exposures.expose(VM, exposure, source)), { reason: 'LauncherNotFound' })
})

void tap.test('what the attachment pod has in place of the device', async (t) => {
  const lab = await startPodLab(t, CGROUP_VERSIONS[0] ?? 'v2')
  const [device, other] = [await makeBlockDevice(MIB, t), await makeBlockDevice(MIB, t)]
  const { pod, node } = await lab.attachBlock('b1', device.path)
  const refused = async (reason: string, message: RegExp): Promise<void> => {
    t.match(await refusalOf(() => lab.sources.resolve(lab.claim('b1'))), { reason, message })
  }
  const tricks: [string, ...string[]][] = [['symbolic link to /dev/null', 'ln', '-s', '/dev/null'], ['FIFO', 'mkfifo'], ['regular file', 'touch'], ['directory', 'mkdir']]
  for (const [what, program = '', ...args] of tricks) {
    await rm(node, { recursive: true })
    await run(program, [...args, node])
    await refused('UnsafePath', new RegExp(what))
  }
  await rm(node, { recursive: true })
  await run('mknod', [node, 'c', '1', '5'])
  await refused('UnsafePath', /character device/)
  await rm(node)
  await makeNode(node, other.path)
  await refused('UnsafePath', /the kubelet gave that pod/)
  await rm(node)
  await refused('SourceMissing', /hp-volume-0: it has no device node at \/path\/b1/)
  await rename(join(pod.emptyDir('hotplug-disks'), 'b1'), join(pod.emptyDir('hotplug-disks'), 'x'))
  await run('ln', ['-s', '/', join(pod.emptyDir('hotplug-disks'), 'b1')])
  await refused('UnsafePath', /symbolic link to \//)
  lab.attachments.set('b1', [{ uid: randomUUID(), name: 'hp-new', claimUid: randomUUID(), volumeMode: 'Block', ready: false, terminating: false }])
  await refused('AttachmentPodNotReady', /hp-new \(not ready\)/)
  lab.attachments.delete('b1')
  await refused('SourceMissing', /no attachment pod/)
  lab.launcherUid = null
  await refused('LauncherNotFound', /default\/vmi1/)
})

void tap.test('a device that the host has mounted is refused', async (t) => {
  const lab = await startPodLab(t, CGROUP_VERSIONS[0] ?? 'v2')
  const { device } = await lab.makeFilesystem(null)
  const at = join(lab.node.kubeletDir, 'on-the-host')
  await run('mkdir', [at])
  await run('mount', [device.path, at])
  t.teardown(() => run('umount', [at]))
  await lab.attachBlock('b1', device.path)
  t.match(await refusalOf(() => lab.sources.resolve(lab.claim('b1'))), { reason: 'SourceInUseByHost', message: /on-the-host/ })
})

void tap.test('the disk behind the number changes between look-up and attach', async (t) => {
  const lab = await startPodLab(t, CGROUP_VERSIONS[0] ?? 'v2')
  const device = await makeBlockDevice(MIB, t, loopAside)
  await lab.attachBlock('b1', device.path)
  const source = await lab.sources.resolve(lab.claim('b1'))
  await run('losetup', ['--detach', device.path])
  await run('losetup', [device.path, device.backingFile])
  t.match(await refusalOf(() => lab.exposures.expose(VM, lab.plan(source), source)), { reason: 'SourceChanged' })
  await lab.exposures.release(VM, lab.plan(source))
  t.same(await readdir(lab.launcher.emptyDir('hotplug-disks')), [])
})

void tap.test('launchers that end', async (t) => {
  const lab = await startPodLab(t, CGROUP_VERSIONS[0] ?? 'v2')
  const device = await makeBlockDevice(MIB, t)
  await lab.attachBlock('b1', device.path)
  const { exposure, source } = await lab.expose('b1')
  await lab.launcher.kill()
  t.equal(await lab.sources.identify(exposure), null)
  t.match(await refusalOf(() => lab.exposures.expose(VM, exposure, source)), { reason: 'LauncherNotFound' })
  await lab.exposures.release(VM, exposure)
  t.same(await readdir(lab.launcher.emptyDir('hotplug-disks')), [])
  await lab.launcher.delete()
  await lab.exposures.release(VM, exposure)
  lab.launcherUid = randomUUID()
  t.match(await refusalOf(() => lab.exposures.expose(VM, exposure, source)), { reason: 'LauncherNotFound' })
})

if (CGROUP_VERSIONS.includes('v1')) {
  void tap.test('a rule that the container has of its own stays', async (t) => {
    const device = await makeBlockDevice(MIB, t)
    const number = await deviceNumber(device.path)
    const lab = await startPodLab(t, 'v1', { devices: [number.split(':').map(Number) as [number, number]] })
    await lab.attachBlock('b1', device.path)
    await lab.attachBlock('b2', device.path)
    const before = await rulesOf(lab)
    const { exposure } = await lab.expose('b1')
    t.equal(exposure.handle['ownRule'], false)
    await lab.exposures.release(VM, exposure)
    t.equal(await rulesOf(lab), before)
    await writeFile(join(lab.node.devicesRoot, lab.launcher.containerCgroup, 'devices.deny'), `b ${number} rwm`)
    const [first, second] = [await lab.expose('b1'), await lab.expose('b2')]
    t.equal(first.exposure.handle['ownRule'], true)
    await lab.exposures.release(VM, first.exposure)
    t.match(await rulesOf(lab), `b ${number} rwm`, 'another exposure of the launcher uses it')
    await lab.exposures.release(VM, second.exposure)
  })
}
