import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import tap, { type Test } from 'tap'
import { createLauncherExposures } from '../../../../src/adapters/linux/pods/launcher-exposures.ts'
import { makeBlockDevice } from '../../../support/block-device.ts'
import { run } from '../../../support/command.ts'
import { compile, kill } from '../fixture.ts'
import { refusalOf } from '../scratch.ts'
import { CGROUP_VERSIONS, MIB, startPodLab, VM, type PodLab } from './pod-lab.ts'

tap.setTimeout(300_000)

const CGROUPS = CGROUP_VERSIONS[0] ?? 'v2'
const IMAGE = Buffer.alloc(MIB, 'image ')

/** Mounts a file system that answers nothing, on the node, after its pod was started. */
async function letDie(t: Test, lab: PodLab, at: string): Promise<ChildProcess> {
  const program = await compile(t, 'hanging-filesystem')
  const child = spawn('nsenter', [`--target=${lab.node.pid}`, '--mount', program, at], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => kill(child))
  await once(child.stdout, 'data')
  return child
}

void tap.test('a volume whose server is dead hangs itself, and nobody else', async (t) => {
  const lab = await startPodLab(t, CGROUPS)
  const { at } = await lab.makeFilesystem(IMAGE)
  await lab.attachFilesystem('good', at)
  const dead = join(lab.node.kubeletDir, 'dead')
  await mkdir(dead)
  await lab.writeOn(join(dead, 'disk.img'), IMAGE)
  const pod = await lab.attachFilesystem('dead', dead)
  const before = await lab.sources.resolve(lab.claim('dead'))
  const server = await letDie(t, lab, dead)

  const stuck = refusalOf(() => lab.sources.resolve(lab.claim('dead')))
  const impatient = createLauncherExposures({ ...lab.options, deadlineMs: 50 })
  t.teardown(() => impatient.close())
  const exposure = impatient.plan(before)
  t.match(await refusalOf(() => impatient.expose(VM, exposure, before)), { reason: 'ExposureFailed', message: /no answer within 50 ms/ })
  t.match(await refusalOf(() => impatient.release(VM, exposure)), { reason: 'ReleaseFailed', message: /no answer within 50 ms/ }, 'one act on it at a time')
  for (let round = 0; round < 20; round++) {
    const { exposure: good } = await lab.expose('good')
    await lab.exposures.release(VM, good)
  }
  await kill(server)
  t.match(await stuck, { reason: 'SourceUnreadable', message: /in attachment pod/, detail: { errno: /ECONNABORTED|ENOTCONN/ } })
  await impatient.release(VM, exposure)
  t.same(await readdir(lab.launcher.emptyDir('hotplug-disks')), [])
  t.ok(pod.uid)
})

/** Makes the launcher's directory read-only, on the machine and in the launcher, until what is returned is called. */
async function makeReadOnly(t: Test, lab: PodLab): Promise<() => Promise<void>> {
  const inside = ['nsenter', `--target=${lab.launcher.pid}`, '--mount', '--pid']
  const undos = [await mountReadOnly(['env'], lab.launcher.emptyDir('hotplug-disks')), await mountReadOnly(inside, '/run/kubevirt/hotplug-disks')]
  const undo = async (): Promise<void> => {
    for (const one of undos.splice(0)) await one()
  }
  t.teardown(undo)
  return undo
}

async function mountReadOnly([program = '', ...args]: readonly string[], at: string): Promise<() => Promise<unknown>> {
  const busybox = (...rest: readonly string[]): Promise<string> => run(program, [...args, 'busybox', ...rest])
  await busybox('mount', '-o', 'bind', at, at)
  const undo = (): Promise<string> => busybox('umount', at)
  await busybox('mount', '-o', 'remount,bind,ro', at).catch((error: unknown) => undo().then(() => Promise.reject(error)))
  return undo
}

void tap.test('errno reaches the reason, nothing is left, and it goes on afterwards', async (t) => {
  const lab = await startPodLab(t, CGROUPS)
  const { at } = await lab.makeFilesystem(IMAGE)
  const device = await makeBlockDevice(MIB, t)
  await lab.attachFilesystem('f1', at)
  await lab.attachBlock('b1', device.path)
  const sources = [await lab.sources.resolve(lab.claim('f1')), await lab.sources.resolve(lab.claim('b1'))]
  const undo = await makeReadOnly(t, lab)
  for (const source of sources) {
    const refusal = await refusalOf(() => lab.exposures.expose(VM, lab.plan(source), source))
    t.match(refusal, { reason: 'ExposureFailed', message: /EROFS from (openat|mknodat)/, detail: { errno: 'EROFS' } })
  }
  await undo()
  t.same(await readdir(lab.launcher.emptyDir('hotplug-disks')), [])
  for (const source of sources) await lab.exposures.expose(VM, lab.plan(source), source)
  const again = await makeReadOnly(t, lab)
  const block = sources[1]
  if (block === undefined) throw new Error('no block source')
  t.match(await refusalOf(() => lab.exposures.release(VM, lab.plan(block))), { reason: 'ReleaseFailed', detail: { errno: 'EROFS', syscall: 'unlinkat' } })
  await again()
  for (const source of sources) await lab.exposures.release(VM, lab.plan(source))
  t.same(await readdir(lab.launcher.emptyDir('hotplug-disks')), [])
})
