import { spawn, type ChildProcess } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { access, mkdir, rmdir, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { basename, dirname, join } from 'node:path'
import tap, { type Test } from 'tap'
import { addon } from '../../../../src/adapters/linux/binding.ts'
import { openLauncherLibvirt, podProcesses } from '../../../../src/adapters/linux/pods/launcher-libvirt.ts'
import { containerCgroups } from '../../../../src/core/node/container-cgroups.ts'
import { kill } from '../fixture.ts'
import { refusalOf, scratch } from '../scratch.ts'
import { CGROUP_VERSIONS, startPodLab } from './pod-lab.ts'

tap.setTimeout(300_000)

const exists = (path: string): Promise<boolean> => access(path).then(() => true, () => false)

/** A mounted hierarchy that has the name or is of the second version, and what an agent is told. */
async function hierarchies(): Promise<{ readonly root: string; readonly at: string; readonly version: number }[]> {
  const base = '/sys/fs/cgroup'
  if (await exists(join(base, 'cgroup.controllers'))) return [{ root: base, at: base, version: 2 }]
  const mixed = (await exists(join(base, 'unified/cgroup.procs'))) ? [{ root: base, at: join(base, 'unified'), version: 2 }] : []
  return [{ root: base, at: join(base, 'devices'), version: 1 }, { root: base, at: join(base, 'pids'), version: 1 }, ...mixed]
}

/** Makes nested control groups that go after the test, and returns the lowest. */
async function makeCgroup(t: Test, at: string, ...names: readonly string[]): Promise<string> {
  let path = at
  for (const name of names) {
    path = join(path, name)
    if (await exists(path)) continue
    await mkdir(path)
    const made = path
    t.teardown(() => rmdir(made))
  }
  return path
}

function startIn(t: Test): ChildProcess {
  const child = spawn('sleep', ['1000000'], { stdio: 'ignore' })
  t.teardown(() => kill(child))
  return child
}

const LAYOUTS: readonly ((uid: string) => string[])[] = [
  (uid) => ['kubepods', `pod${uid}`, 'a1b2'],
  (uid) => ['kubepods', 'burstable', `pod${uid}`, 'a1b2'],
  (uid) => ['kubepods', 'besteffort', `pod${uid}`, 'a1b2', 'container'],
  (uid) => ['kubepods.slice', `kubepods-pod${uid.replaceAll('-', '_')}.slice`, 'crio-a1b2.scope'],
  (uid) => ['kubepods.slice', 'kubepods-burstable.slice', `kubepods-burstable-pod${uid.replaceAll('-', '_')}.slice`, 'cri-containerd-a1b2.scope', 'container'],
  (uid) => ['kubelet.slice', 'kubelet-kubepods.slice', 'kubelet-kubepods-besteffort.slice', `kubelet-kubepods-besteffort-pod${uid.replaceAll('-', '_')}.slice`, 'cri-containerd-a1b2.scope'],
]

for (const { root, at, version } of await hierarchies()) {
  void tap.test(`every layout of control groups, in ${at}`, async (t) => {
    const own = `hotplugd-layouts-${process.pid}`
    for (const layout of LAYOUTS) {
      await t.test(layout('UID').join('/'), async (t) => {
        const uid = randomUUID()
        const cgroup = await makeCgroup(t, at, own, ...layout(uid))
        t.same(await podProcesses(uid, { cgroupRoot: root }), [])
        const children = [startIn(t), startIn(t)]
        for (const { pid } of children) await writeFile(join(cgroup, 'cgroup.procs'), String(pid))
        t.same(new Set(await podProcesses(uid, { cgroupRoot: root })), new Set(children.map(({ pid }) => pid)))
        t.same(await podProcesses(randomUUID(), { cgroupRoot: root }), [])
        const described = await addon.describePod('/proc', root, uid)
        t.match(described, { version, processes: [{ cgroup, name: 'sleep', mountinfo: / \/proc / }, { mountinfo: null }] })
        t.match(basename(described?.directory ?? ''), uid.slice(0, 8))
      })
    }
  })

  void tap.test(`a pod's name below another pod's is not believed, in ${at}`, async (t) => {
    const [real, forged] = [randomUUID(), randomUUID()]
    const own = `hotplugd-forged-${process.pid}`
    const pod = await makeCgroup(t, at, own, 'kubepods', `pod${real}`, 'a1b2')
    const cgroup = await makeCgroup(t, pod, 'kubepods', `pod${forged}`)
    const child = startIn(t)
    await writeFile(join(cgroup, 'cgroup.procs'), String(child.pid))
    t.same(await podProcesses(forged, { cgroupRoot: root }), [])
    t.same(await podProcesses(real, { cgroupRoot: root }), [child.pid])
  })
}

void tap.test('a pid that is another process by now is noticed', async (t) => {
  const [{ root, at } = { root: '', at: '' }] = await hierarchies()
  const uid = randomUUID()
  const cgroup = await makeCgroup(t, at, `hotplugd-reuse-${process.pid}`, 'kubepods', `pod${uid}`, 'a1b2')
  const child = startIn(t)
  await writeFile(join(cgroup, 'cgroup.procs'), String(child.pid))
  const [found] = (await addon.describePod('/proc', root, uid))?.processes ?? []
  const process_ = { proc: '/proc', pid: found?.pid ?? 0, startTime: found?.startTime ?? '', cgroup }
  t.match(await addon.openLauncherSocket(process_, []), { kind: 'none' })
  await t.rejects(addon.openLauncherSocket({ ...process_, startTime: '1' }, []), { code: 'ESRCH' })
  await t.rejects(addon.openLauncherSocket({ ...process_, cgroup: dirname(cgroup) }, []), { code: 'ESRCH' })
  await kill(child)
  await t.rejects(addon.openLauncherSocket(process_, []), { code: 'ESRCH' })
})

void tap.test('the control groups of one container', async (t) => {
  t.same(containerCgroups('/k/pod1', '/k/pod1/a', ['/k/pod1/a', '/k/pod1/b']), ['/k/pod1/a'])
  t.same(containerCgroups('/k/pod1', '/k/pod1/a/container', ['/k/pod1/a/x/y', '/k/pod1/b']), ['/k/pod1/a', '/k/pod1/a/x', '/k/pod1/a/container', '/k/pod1/a/x/y'].toSorted((a, b) => a.length - b.length))
  t.same(containerCgroups('/k/pod1', '/k/pod1', ['/k/pod1']), ['/k/pod1'])
})

void tap.test("the socket of a launcher's libvirt", async (t) => {
  const lab = await startPodLab(t, CGROUP_VERSIONS[0] ?? 'v2', { runAs: 0 })
  const { uid } = lab.launcher
  const inside = (...args: string[]): Promise<string> => lab.launcher.exec(...args)
  const open = (): ReturnType<typeof openLauncherLibvirt> => openLauncherLibvirt(uid, { cgroupRoot: lab.node.cgroupRoot })
  t.match(await refusalOf(open), { reason: 'LibvirtUnavailable', message: /no socket/ })

  await inside('mkdir', '-p', '/run/libvirt')
  const pid = await lab.act('pod-actor', 'listen', '/run/libvirt/libvirt-sock')
  await inside('ln', '-s', 'libvirt-sock', '/run/libvirt/virtqemud-sock')
  const first = await open()
  t.match(first.uri, new RegExp(`^qemu\\+unix:///session\\?socket=/proc/self/fd/${first.fd}$`))
  t.ok(first.pids.includes(pid) && first.pids.includes(lab.launcher.pid))
  const same = await open()
  t.equal(same.id, first.id)
  t.ok(await exists(`/proc/self/fd/${first.fd}`))
  first.close()
  first.close()
  same.close()
  t.notOk(await exists(`/proc/self/fd/${same.fd}`))

  await lab.act('pod-actor', 'listen', '/run/libvirt/libvirt-sock')
  const restarted = await open()
  t.not(restarted.id, first.id)
  restarted.close()
})

void tap.test('a socket that leads out of the launcher', async (t) => {
  const lab = await startPodLab(t, CGROUP_VERSIONS[0] ?? 'v2', { runAs: 0 })
  const open = (): ReturnType<typeof openLauncherLibvirt> => openLauncherLibvirt(lab.launcher.uid, { cgroupRoot: lab.node.cgroupRoot })
  const inside = (...args: string[]): Promise<string> => lab.launcher.exec(...args)
  const outside = await scratch(t)
  const server = createServer((socket) => socket.destroy()).listen(join(outside, 'sock'))
  t.teardown(() => server.close())
  await new Promise((resolve) => server.once('listening', resolve))
  await inside('mkdir', '-p', '/run/libvirt', '/run/x')

  await inside('ln', '-s', join(outside, 'sock'), '/run/libvirt/virtqemud-sock')
  t.match(await refusalOf(open), { reason: 'LibvirtUnavailable', message: /virtqemud-sock is a symbolic link/ })
  await inside('rm', '-r', '/run/libvirt')
  await inside('ln', '-s', outside, '/run/libvirt')
  t.match(await refusalOf(open), { reason: 'LibvirtUnavailable' }, 'a link is followed within the launcher only')
  await inside('rm', '/run/libvirt')
  await inside('ln', '-s', `../../../../../../../..${outside}`, '/run/libvirt')
  t.match(await refusalOf(open), { reason: 'LibvirtUnavailable' })

  await inside('rm', '/run/libvirt')
  await inside('mkdir', '/run/libvirt')
  await inside('mkfifo', '/run/libvirt/libvirt-sock')
  t.match(await refusalOf(open), { reason: 'LibvirtUnavailable', message: /libvirt-sock is a FIFO/ })
  const other = await lab.node.startPod({ runAs: 0, mounts: [{ source: lab.programs, destination: '/programs' }, { source: lab.launcher.emptyDir('hotplug-disks'), destination: '/shared' }] })
  await other.exec('/programs/pod-actor', 'listen', '/shared/libvirt-sock')
  await inside('rm', '-r', '/run/libvirt')
  await inside('ln', '-s', 'kubevirt/hotplug-disks', '/run/libvirt')
  t.match(await refusalOf(open), { reason: 'UnsafePath', message: /is not of that pod/ })
  t.match(await refusalOf(() => openLauncherLibvirt(randomUUID(), { cgroupRoot: lab.node.cgroupRoot })), { reason: 'LauncherNotFound' })
  t.match(await refusalOf(() => openLauncherLibvirt('../../etc')), { reason: 'UnsafePath' })
})
