import { readdir, readFile, readlink } from 'node:fs/promises'
import tap from 'tap'
import { openLauncherLibvirt } from '../../../../src/adapters/linux/pods/launcher-libvirt.ts'
import { makeBlockDevice } from '../../../support/block-device.ts'
import { until } from '../../../support/wait.ts'
import { held } from '../held.ts'
import { CGROUP_VERSIONS, MIB, startPodLab, VM, type PodLab } from './pod-lab.ts'

tap.setTimeout(300_000)

/** Plug, fail, and take out again, in every way. */
async function churn(lab: PodLab): Promise<void> {
  for (const volume of ['b1', 'f1']) {
    const { exposure } = await lab.expose(volume)
    await lab.sources.identify(exposure)
    await lab.sources.footprints([exposure.path], VM)
    await lab.exposures.release(VM, exposure)
  }
  await lab.sources.resolve(lab.claim('unknown')).catch(() => null)
  const libvirt = await openLauncherLibvirt(lab.launcher.uid, { cgroupRoot: lab.node.cgroupRoot })
  libvirt.close()
}

for (const cgroups of CGROUP_VERSIONS) {
  void tap.test(`nothing is left in the agent, cgroups ${cgroups}`, async (t) => {
    const lab = await startPodLab(t, cgroups, { runAs: 0 })
    const device = await makeBlockDevice(MIB, t)
    const { at } = await lab.makeFilesystem(Buffer.alloc(MIB, 'image '))
    await lab.attachBlock('b1', device.path)
    await lab.attachFilesystem('f1', at)
    await lab.launcher.exec('mkdir', '-p', '/run/libvirt')
    await lab.act('pod-actor', 'listen', '/run/libvirt/libvirt-sock')
    for (let round = 0; round < 20; round++) await churn(lab)
    const before = held()
    for (let round = 0; round < 100; round++) await churn(lab)
    await until('threads and descriptors to go', () => held().fds <= before.fds && held().threads <= before.threads + 4)
    t.notMatch(await readFile('/proc/self/mountinfo', 'utf8'), lab.node.kubeletDir, 'nothing of the node is mounted here')
    for (const task of await tasks()) t.equal(task, await namespaceOf('self'), 'no thread is left in another mount namespace')
  })
}

async function namespaceOf(task: string): Promise<string> {
  return readlink(`/proc/${task}/ns/mnt`)
}

async function tasks(): Promise<string[]> {
  return Promise.all((await readdir('/proc/self/task')).map((task) => namespaceOf(`self/task/${task}`).catch(() => namespaceOf('self'))))
}
