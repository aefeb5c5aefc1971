import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { access, readFile, readdir, stat, writeFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { CommandError, makeBlockDevice, until } from '../../lab.ts'
import { startRuncNode, type RuncNode } from '../lab.ts'

const exists = (path: string): Promise<boolean> => access(path).then(() => true, () => false)

const cgroupsOf = async (node: { cgroup: string }): Promise<string[]> => {
  const names = await readdir('/sys/fs/cgroup')
  const found = await Promise.all(['', ...names].map(async (name) => ((await exists(join('/sys/fs/cgroup', name, node.cgroup))) ? [name] : [])))
  return found.flat()
}

const numbersOf = async (path: string): Promise<[number, number]> => {
  const { rdev } = await stat(path)
  return [(rdev >> 8) & 0xfff, rdev & 0xff]
}

/** Whether the container can open the device of those numbers. */
const canOpen = async (pod: { exec(...args: string[]): Promise<string> }, [major, minor]: readonly [number, number]): Promise<boolean> => {
  const path = `/dev/test-${major}-${minor}`
  await pod.exec('sh', '-c', `[ -b ${path} ] || mknod ${path} b ${major} ${minor}`).catch((error: unknown) => {
    if (!(error instanceof CommandError)) throw error
  })
  return pod.exec('dd', `if=${path}`, 'of=/dev/null', 'count=1').then(() => true, () => false)
}

/** A machine with the second version only cannot show the first. */
const versions = (await exists('/sys/fs/cgroup/cgroup.controllers')) ? (['v2'] as const) : (['v1', 'v2'] as const)

const tests = (): void => {
  for (const cgroups of versions) {
    t.test(`pods made by runc, cgroups ${cgroups}`, async (t) => {
      const node = await startRuncNode(t, { cgroups })
      const allowed = await makeBlockDevice(1 << 20, t)
      const forbidden = await makeBlockDevice(1 << 20, t)
      const pod = await node.startPod({ devices: [await numbersOf(allowed.path)] })
      const other = await node.startPod({ qos: 'guaranteed', runAs: 107 })

      t.match(await readFile(`/proc/${pod.pid}/cgroup`, 'utf8'), `/kubepods/burstable/pod${pod.uid}/${pod.containerId}`)
      t.match(await readFile(`/proc/${pod.sandboxPid}/cgroup`, 'utf8'), `/kubepods/burstable/pod${pod.uid}/`)
      t.match(await readFile(`/proc/${other.pid}/cgroup`, 'utf8'), `/kubepods/pod${other.uid}/`)
      t.match(await readFile(`/proc/${other.pid}/status`, 'utf8'), /^Uid:\t107\t/m)
      t.ok(await exists(join(node.devicesRoot, pod.containerCgroup)))

      await writeFile(join(pod.emptyDir('hotplug-disks'), 'seen'), 'inside')
      t.equal(await pod.exec('cat', '/var/run/kubevirt/hotplug-disks/seen'), 'inside')
      t.equal(await readFile(`${pod.root}/run/kubevirt/hotplug-disks/seen`, 'utf8'), 'inside')

      t.ok(await canOpen(pod, await numbersOf(allowed.path)))
      t.notOk(await canOpen(pod, await numbersOf(forbidden.path)))
      await other.delete()
      t.notOk(await exists(other.directory))
      await node.stop()
      t.notOk(await exists(node.kubeletDir))
      t.strictSame(await cgroupsOf(node), [])
    })
  }

  t.test('when the test process is killed nothing is left', async (t) => {
    const child = spawn(process.execPath, [fileURLToPath(import.meta.url), 'live'], { stdio: ['ignore', 'pipe', 'inherit'] })
    const [line] = (await once(createInterface(child.stdout), 'line')) as [string]
    const made = JSON.parse(line) as { pid: number; cgroup: string; kubeletDir: string }
    child.kill('SIGKILL')
    await until('its pod to go', async () => !(await exists(`/proc/${made.pid}`)))
    await until('its cgroups to go', async () => (await cgroupsOf(made)).length === 0)
    await until('its files to go', async () => !(await exists(made.kubeletDir)))
    t.pass('all gone')
  })
}

/** A node in a process that is going to be killed. */
const live = async (): Promise<void> => {
  const node: RuncNode = await startRuncNode()
  const pod = await node.startPod()
  console.log(JSON.stringify({ pid: pod.pid, cgroup: node.cgroup, kubeletDir: node.kubeletDir }))
  setInterval(() => undefined, 1000)
}

if (process.argv[2] === 'live') await live()
else tests()
