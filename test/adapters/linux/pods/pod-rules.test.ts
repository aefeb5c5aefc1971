import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile, rmdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Registry } from 'prom-client'
import tap, { type Test } from 'tap'
import { registerRuleMetrics } from '../../../../src/adapters/linux/pods/rule-metrics.ts'
import { makeBlockDevice } from '../../../support/block-device.ts'
import { run } from '../../../support/command.ts'
import { until } from '../../../support/wait.ts'
import { compile, kill } from '../fixture.ts'
import { CGROUP_VERSIONS, deviceNumber, makeNode, MIB, startPodLab, VM, type PodLab } from './pod-lab.ts'

tap.setTimeout(300_000)

/** Every kind of device a container is given by its runtime, and some that it is not. */
const DEVICES = ['c 1 3', 'c 1 5', 'c 1 7', 'c 1 8', 'c 1 9', 'c 5 0', 'c 5 2', 'c 10 200', 'c 10 232', 'c 10 238', 'c 136 0', 'c 1 1', 'c 4 0', 'c 10 237', 'b 7 199', 'b 1 0']

/** Which of them can be made, opened for reading and for writing, as far as the rules go: only `Operation not permitted` is theirs. */
async function allowedIn(lab: PodLab): Promise<string> {
  const open = (how: string): string => `( : ${how}/dev/probe ) 2>&1 | grep -q 'not permitted' || printf ' ${how === '<' ? 'r' : 'w'}'`
  const script = DEVICES.map((device) => `printf '${device}:'; mknod /dev/probe ${device} && printf ' m'; ${open('<')}; ${open('>')}; rm -f /dev/probe; echo`)
  return lab.launcher.exec('sh', '-c', script.join('\n'))
}

async function plugged(t: Test, lab: PodLab, volume: string): Promise<{ readonly path: string; readonly read: () => Promise<string>; readonly device: string; readonly release: () => Promise<void> }> {
  const device = await makeBlockDevice(MIB, t)
  await lab.attachBlock(volume, device.path)
  const { exposure } = await lab.expose(volume)
  const read = (): Promise<string> => lab.launcher.exec('dd', `if=${exposure.path}`, 'of=/dev/null', 'count=1')
  return { path: exposure.path, read, device: device.path, release: () => lab.exposures.release(VM, exposure) }
}

/** What puts back the program that runc attached. */
async function startRestorer(t: Test, cgroup: string): Promise<() => Promise<void>> {
  const program = await compile(t, 'rules-restorer')
  const child = spawn(program, [cgroup], { stdio: ['pipe', 'pipe', 'inherit'] })
  t.teardown(() => kill(child))
  await once(child.stdout, 'data')
  return async () => {
    child.stdin.write('x')
    await once(child.stdout, 'data')
  }
}

for (const cgroups of CGROUP_VERSIONS) {
  void tap.test(`what a container was allowed before it is allowed after, cgroups ${cgroups}`, async (t) => {
    const own = await makeBlockDevice(MIB, t)
    const number = (await deviceNumber(own.path)).split(':').map(Number) as [number, number]
    const lab = await startPodLab(t, cgroups, { devices: [number], runAs: 0 })
    await lab.launcher.exec('mknod', '/dev/permanent', 'b', ...number.map(String))
    const permanent = (): Promise<string> => lab.launcher.exec('dd', 'if=/dev/permanent', 'of=/dev/null', 'count=1')
    const before = await allowedIn(lab)
    t.match(before, /^c 1 3: m r w$/m)
    t.match(before, /^b 7 199: m$/m)
    await permanent()
    const volumes = [await plugged(t, lab, 'b1'), await plugged(t, lab, 'b2'), await plugged(t, lab, 'b3')]
    for (const { read } of volumes) await read()
    t.equal(await allowedIn(lab), before)
    await permanent()
    await volumes[1]?.release()
    await volumes[0]?.read()
    await volumes[2]?.read()
    t.equal(await allowedIn(lab), before)
    for (const { release } of volumes) await release()
    t.equal(await allowedIn(lab), before)
    await permanent()
  })

  void tap.test(`many at once, cgroups ${cgroups}`, async (t) => {
    const lab = await startPodLab(t, cgroups)
    const volumes = await Promise.all(Array.from({ length: 12 }, (_, i) => plugged(t, lab, `b${i}`)))
    await Promise.all(volumes.map(({ read }) => read()))
    await Promise.all(volumes.slice(0, 6).map(({ release }) => release()))
    await Promise.all(volumes.slice(6).map(({ read }) => read()))
    await Promise.all(volumes.slice(6).map(({ release }) => release()))
  })

  void tap.test(`rules taken away behind the agent's back come back and are counted, cgroups ${cgroups}`, async (t) => {
    const lab = await startPodLab(t, cgroups)
    const cgroup = join(lab.node.devicesRoot, lab.launcher.containerCgroup)
    const restorer = cgroups === 'v2' ? await startRestorer(t, cgroup) : null
    const volume = await plugged(t, lab, 'b1')
    const takeAway = async (): Promise<void> => {
      if (restorer !== null) return restorer()
      await writeFile(join(cgroup, 'devices.deny'), `b ${await deviceNumber(volume.device)} rwm`)
    }
    await takeAway()
    await until('the rule to be back', () => lab.restored.length === 1)
    await volume.read()
    await takeAway()
    await until('the rule to be back', () => lab.restored.length === 2)
    await volume.read()
    t.same(lab.restored, [1, 1])
    const registry = new Registry()
    registerRuleMetrics(registry, lab.exposures)
    t.match(await registry.metrics(), /^hotplugd_device_rules_restored_total 2$/m)

    lab.exposures.close()
    await takeAway()
    await t.rejects(volume.read(), /not permitted/)
    const restarted = lab.newExposures()
    restarted.adopt({ path: volume.path, kind: 'block', handle: (await lab.sources.resolve(lab.claim('b1'))).handle ?? {} })
    await until('the rule to be back', () => lab.restored.length === 3)
    await volume.read()
    await volume.release()
  })

  void tap.test(`processes in a leaf below the container's control group, cgroups ${cgroups}`, async (t) => {
    const lab = await startPodLab(t, cgroups)
    const container = join(lab.node.devicesRoot, lab.launcher.containerCgroup)
    const leaf = join(container, 'container')
    await mkdir(leaf)
    for (const pid of (await readFile(join(container, 'cgroup.procs'), 'utf8')).trim().split('\n')) await writeFile(join(leaf, 'cgroup.procs'), pid)
    const volume = await plugged(t, lab, 'b1')
    const pid = String(lab.launcher.pid)
    const readInLeaf = (): Promise<string> => run('sh', ['-c', `echo $$ >"$1/cgroup.procs" && exec nsenter --target=${pid} --mount dd if=${volume.path} of=/dev/null count=1`, 'sh', leaf])
    await readInLeaf()
    await volume.release()
    await makeNode(lab.entry('again'), volume.device)
    await t.rejects(run('sh', ['-c', `echo $$ >"$1/cgroup.procs" && exec nsenter --target=${pid} --mount dd if=/run/kubevirt/hotplug-disks/again of=/dev/null count=1`, 'sh', leaf]), /not permitted/)
    await lab.launcher.kill().catch(() => undefined)
    await rmdir(leaf).catch(() => undefined)
  })
}
