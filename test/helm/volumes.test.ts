import { mkdir, readFile, rm } from 'node:fs/promises'
import t from 'tap'
import { installKubeVirtCrds, LiveVirtController, makeVolume, startCluster, startLauncher, vmi, type NodeVolume, type VolumeStatusEntry } from '../support/kubernetes/lab.ts'
import { until } from '../support/wait.ts'
import { installHotplugd } from './on-cluster.ts'

t.setTimeout(590_000)

const ATTACHMENT_PODS = 'labelSelector=kubevirt.io=hotplug-disk'

t.test('ten volumes and a bad one on a node whose kubelet is elsewhere, while pods and servers come and go', async (t) => {
  const cluster = await startCluster(t, { kubeletDir: '/var/lib/rancher/agent/kubelet' })
  await installKubeVirtCrds(cluster.server)
  const [launcher, agent] = await Promise.all([
    cluster.server.create(vmi({ name: 'vmi1' })).then((made) => startLauncher(cluster, made)),
    installHotplugd(cluster, {}, (line) => t.comment(line)),
  ])
  const volumes: NodeVolume[] = []
  for (let index = 0; index < 10; index++) volumes.push(await makeVolume(cluster, { name: `v${index}`, mode: index % 2 === 0 ? 'Block' : 'Filesystem', sizeBytes: 16 << 20 }, t))
  const bad = await makeVolume(cluster, { name: 'bad', mode: 'Filesystem', sizeBytes: 16 << 20 }, t)
  await rm(bad.path)
  await mkdir(bad.path)
  await agent.rolledOut()
  const controller = new LiveVirtController(cluster, launcher, t)
  const names = volumes.map(({ volume }) => volume)

  /** All phases that were ever seen of a volume, `-` where it had no entry, to prove that none falls back. */
  const seen = new Map<string, string[]>()
  const entries = async (): Promise<readonly VolumeStatusEntry[]> => {
    const all = (await controller.vmi()).status?.volumeStatus ?? []
    for (const name of names) {
      const { phase = '-' } = all.find((entry) => entry.name === name) ?? {}
      const past = seen.get(name) ?? []
      if (past.at(-1) !== phase) seen.set(name, [...past, phase])
    }
    return all
  }
  const allReady = (wanted: readonly string[]): Promise<readonly VolumeStatusEntry[]> =>
    until(`${wanted.join(' ')} to be Ready`, async () => {
      const all = await entries()
      const missing = wanted.filter((volume) => all.find(({ name }) => name === volume)?.phase !== 'Ready')
      if (missing.length === 0) return all
      throw new Error(`${JSON.stringify(all.filter(({ name }) => missing.includes(name)))} ${(await agent.whatItSays()).slice(-2000)} ${controller.lastError}`)
    }, 100)
  const gone = (volume: string): Promise<boolean> => until(`${volume} to be gone`, async () => !(await entries()).some(({ name }) => name === volume), 50)
  const carries = async ({ volume, mode, device, path }: NodeVolume, text: string): Promise<void> => {
    await launcher.guest.write(volume, 8192, text)
    const read = mode === 'Block' ? await device.read(8192, text.length) : (await readFile(path)).subarray(8192, 8192 + text.length)
    t.equal(String(read), text, `${volume}: ${text}`)
  }

  await t.test('the bad one holds up none, and says why', async (t) => {
    await controller.plug(...[bad, ...volumes].map(({ volume }) => ({ name: volume, disk: { serial: volume } })))
    const all = await allReady(names)
    await launcher.guest.waitForDisks(names)
    t.equal(new Set(all.filter(({ name }) => name !== 'bad').map(({ target }) => target)).size, names.length, 'each its own target')
    for (const volume of volumes) await carries(volume, `of ${volume.volume}`)
    const entry = await until('the reason', async () => (await entries()).find(({ name, message }) => name === 'bad' && /director/i.test(message ?? '')))
    t.equal(entry.phase, 'AttachedToNode')
    t.match(await agent.hotplugctl('explain', 'vmi1', 'bad'), /bad is not in the guest[^]*Remedy/)
  })

  await t.test('out and in again under the same name', async (t) => {
    await controller.unplug('v0', 'v1')
    await Promise.all([gone('v0'), gone('v1')])
    await Promise.all([launcher.guest.waitForNoDisk('v0'), launcher.guest.waitForNoDisk('v1')])
    await controller.plug({ name: 'v0', disk: { serial: 'v0' } }, { name: 'v1', disk: { serial: 'v1' } })
    await allReady(names)
    t.equal((await launcher.guest.disks()).filter(({ serial }) => names.includes(serial ?? '')).length, names.length)
  })

  await t.test('the attachment pod goes and is replaced: no disk moves, no phase falls back', async () => {
    const [pod, ...more] = await cluster.server.list('v1', 'Pod', 'default', ATTACHMENT_PODS)
    t.same(more, [])
    if (pod === undefined) throw new Error('no attachment pod')
    await cluster.server.delete(pod)
    await until('another pod in all entries', async () => {
      const uids = (await entries()).filter(({ name }) => name !== 'bad').map(({ hotplugVolume }) => hotplugVolume?.attachPodUID)
      return uids.every((uid) => uid !== undefined && uid !== pod.metadata.uid)
    })
    for (const volume of volumes.slice(0, 2)) await carries(volume, 'past its pod')
    await allReady(names)
  })

  await t.test('the agent is updated while a volume is on its way', async () => {
    await controller.unplug('v2', 'v3')
    await Promise.all([gone('v2'), gone('v3')])
    await Promise.all([controller.plug({ name: 'v2', disk: { serial: 'v2' } }, { name: 'v3', disk: { serial: 'v3' } }), agent.upgrade({ 'agent.logLevel': 'debug' })])
    await allReady(names)
    for (const volume of volumes.slice(2, 4)) await carries(volume, 'past an update')
  })

  await t.test('the API server goes and comes back: nothing is taken out, and the agent goes on', async () => {
    await cluster.server.kill9()
    await carries(volumes[4] as NodeVolume, 'without an API server')
    await cluster.server.start()
    await controller.unplug('v4')
    await gone('v4')
    await launcher.guest.waitForNoDisk('v4')
    await allReady(names.filter((name) => name !== 'v4'))
  })

  for (const [name, phases] of seen) t.notMatch(phases.join(' '), /Ready (?!UnMountedFromPod|Detaching|-)/, `${name}: ${phases.join(' ')}`)

  await t.test('out in the end: nothing of it is left in the launcher', async (t) => {
    await controller.unplug('bad', ...names)
    for (const name of ['bad', ...names]) await gone(name)
    t.same((await launcher.guest.disks()).filter(({ serial }) => names.includes(serial ?? '')), [])
    t.notMatch(await readFile(`/proc/${launcher.pid}/mountinfo`, 'utf8'), /hotplug-disks\/v/)
    await until('the attachment pods to go', async () => (await cluster.server.list('v1', 'Pod', 'default', ATTACHMENT_PODS)).length === 0)
    t.equal(await cluster.exec(launcher.pod, 'ls', '/run/kubevirt/hotplug-disks'), '')
  })
})
