import { spawn, type ChildProcessByStdio } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile, rmdir, writeFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import tap, { type Test } from 'tap'
import { makeBlockDevice } from '../../../support/block-device.ts'
import { kill } from '../fixture.ts'
import { CGROUP_VERSIONS, MIB, startPodLab, type PodLab } from './pod-lab.ts'
import type { PodAgentAnswer, PodAgentOptions } from './pod-agent.ts'

tap.setTimeout(300_000)

/** All that the chart gives to the agent's container. */
const CAPABILITIES = ['sys_admin', 'sys_ptrace', 'sys_chroot', 'mknod', 'chown', 'dac_override']

type Agent = (volume: string) => Promise<PodAgentAnswer>

async function startAgent(t: Test, lab: PodLab, capabilities: readonly string[]): Promise<Agent> {
  const { pods, kubeletDir, cgroupRoot = '' } = lab.options
  const launcher = pods.launcher('default/vmi1' as Parameters<typeof pods.launcher>[0])
  if (launcher === null) throw new Error('no launcher')
  const options: PodAgentOptions = { kubeletDir, cgroupRoot, launcher, attachments: Object.fromEntries(lab.attachments) }
  const bounding = ['-all', ...capabilities.map((name) => `+${name}`)].join(',')
  const command = ['--bounding-set', bounding, '--no-new-privs', process.execPath, join(import.meta.dirname, 'pod-agent.js'), JSON.stringify(options)]
  const child = spawn('setpriv', command, { stdio: ['pipe', 'pipe', 'inherit'] })
  t.teardown(() => kill(child))
  if (CGROUP_VERSIONS.includes('v1')) await forbidDevices(t, child)
  const lines = createInterface(child.stdout)
  return async (volume) => {
    child.stdin.write(`${volume}\n`)
    const [line] = (await once(lines, 'line')) as [string]
    return JSON.parse(line) as PodAgentAnswer
  }
}

/** As in a container without privileges: block devices may be made, but not opened. */
async function forbidDevices(t: Test, child: ChildProcessByStdio<Writable, Readable, null>): Promise<void> {
  const cgroup = `/sys/fs/cgroup/devices/hotplugd-agent-${child.pid}`
  await mkdir(cgroup)
  t.teardown(async () => {
    await kill(child)
    await rmdir(cgroup)
  })
  await writeFile(join(cgroup, 'devices.deny'), 'a')
  await writeFile(join(cgroup, 'devices.allow'), 'b *:* m')
  await writeFile(join(cgroup, 'devices.allow'), 'c *:* rwm')
  await writeFile(join(cgroup, 'cgroup.procs'), String(child.pid))
}

for (const cgroups of CGROUP_VERSIONS) {
  void tap.test(`six capabilities are enough, cgroups ${cgroups}`, async (t) => {
    const lab = await startPodLab(t, cgroups)
    const { at } = await lab.makeFilesystem(Buffer.alloc(MIB, 'image '))
    const device = await makeBlockDevice(MIB, t)
    await lab.attachFilesystem('f1', at)
    await lab.attachBlock('b1', device.path)
    await lab.node.run('nsenter', `--target=${await pidOnNode(lab)}`, '--mount', 'install', '-d', '-o', '107', '-g', '107', '-m', '700', '/run/libvirt')
    await lab.act('pod-actor', 'listen', '/run/libvirt/libvirt-sock')
    const agent = await startAgent(t, lab, CAPABILITIES)
    for (const volume of ['f1', 'b1']) t.same(await agent(volume), { exposed: true, same: true, released: true, libvirt: true }, volume)

    for (const missing of CAPABILITIES) {
      const lame = await startAgent(t, lab, CAPABILITIES.filter((name) => name !== missing))
      const answers = [await lame('f1'), await lame('b1')]
      t.ok(answers.some(({ error }) => error !== undefined), `not without ${missing}: ${answers.map(({ error }) => error).join('; ')}`)
    }
  })
}

/** The launcher's first process in the node's own numbers. */
async function pidOnNode(lab: PodLab): Promise<string> {
  const [, numbers = ''] = /^NSpid:\s+(.*)$/m.exec(await readFile(`/proc/${lab.launcher.pid}/status`, 'utf8')) ?? []
  return numbers.split(/\s+/)[1] ?? ''
}
