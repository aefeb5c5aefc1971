import { access, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { PROJECT, until } from '../../support/lab.ts'
import { LiveVirtController, startPlugScene, type VolumeStatusEntry } from '../../support/kubernetes/lab.ts'

t.setTimeout(300_000)

const scene = await startPlugScene(t)
const { cluster, launcher, block, image } = scene
const { server } = cluster
const { guest } = launcher
await server.delete(scene.attachment)
const controller = new LiveVirtController(cluster, launcher, t)
const options = { mode: 'kubernetes', 'node-name': cluster.nodeName, kubeconfig: server.kubeconfig, 'state-dir': '/run/hotplugd-state', 'run-dir': '/run/hotplugd' }
const flags = Object.entries(options).flatMap(([name, value]) => [`--${name}`, value])
const agent = cluster.process('hotplugd', process.execPath, join(PROJECT, 'out/src/main.js'), ...flags)
await agent.start()

const exists = (path: string): Promise<boolean> => access(path).then(() => true, () => false)
const wish = (volume: string) => ({ name: volume, disk: { serial: volume } })

/** Waits until the VMI's entry is as wanted. */
const entryThat = (volume: string, what: string, wanted: (entry: VolumeStatusEntry) => boolean): Promise<VolumeStatusEntry> =>
  until(`${volume} to be ${what}`, async () => {
    const entry = await controller.entry(volume)
    if (entry && wanted(entry)) return entry
    throw new Error(`${JSON.stringify(entry)} ${controller.lastError} ${(await agent.lastWords()).slice(-1000)}`)
  }, 50)

const ready = (volume: string): Promise<VolumeStatusEntry> => entryThat(volume, 'Ready', ({ phase }) => phase === 'Ready')
const forgotten = (volume: string): Promise<true> => until(`${volume} to be forgotten`, async () => (await controller.entry(volume)) === undefined, 50)
const podOf = ({ hotplugVolume }: VolumeStatusEntry): string | undefined => hotplugVolume?.attachPodUID
const exposed = async (): Promise<string[][]> => [await readdir(launcher.hotplugDisks), await readdir(`${launcher.host.root}/run/kubevirt/hotplug-disks`)]

void t.test('plugged from what a kubelet makes, while attachment pods replace each other', async (t) => {
  await controller.plug(wish('b1'))
  t.match(await ready('b1'), { target: 'sda', reason: 'VolumeReady' })
  await guest.waitForDisk('b1')
  await guest.write('b1', 0, 'to the device')
  t.equal(String(await block.device.read(0, 13)), 'to the device')

  await controller.plug(wish('f1'))
  t.match(await ready('f1'), { target: 'sdb', reason: 'VolumeReady' })
  await guest.waitForDisks(['b1', 'f1'])
  await guest.write('f1', 4096, 'to the image')
  t.equal((await readFile(image.path)).toString('utf8', 4096, 4108), 'to the image')
})

void t.test('an attachment pod deleted under its volumes is replaced, and no disk leaves the guest', async (t) => {
  const before = podOf(await entryThat('b1', 'named', (entry) => podOf(entry) !== undefined))
  for (const pod of await server.list('v1', 'Pod', 'default', 'labelSelector=kubevirt.io=hotplug-disk')) await server.delete(pod)
  for (const volume of ['b1', 'f1']) await entryThat(volume, 'in another pod', (entry) => ![undefined, before].includes(podOf(entry)))
  t.match(await ready('b1'), { target: 'sda' })
  t.match(await ready('f1'), { target: 'sdb' })
  await guest.write('b1', 0, 'still')
  await guest.write('f1', 0, 'still')
  t.equal(await guest.ioErrors(), 0)
})

void t.test('API server, kubelet and agent are killed, and the volumes leave all the same', async (t) => {
  await server.restart()
  await cluster.kubelet.kill9()
  await cluster.kubelet.start()
  await controller.unplug('b1')
  await forgotten('b1')
  await guest.waitForNoDisk('b1')
  await agent.kill9()
  await agent.start()
  await controller.unplug('f1')
  await forgotten('f1')
  await guest.waitForNoDisk('f1')
  t.same(await exposed(), [[], []])
})

void t.test('a launcher that is deleted with its volumes goes whole', async (t) => {
  await controller.plug(wish('b1'), wish('f1'))
  await ready('b1')
  await ready('f1')
  await controller.end()
  const directory = `${cluster.root}${cluster.kubeletDir}/pods/${launcher.pod.metadata.uid}`
  t.ok(await exists(directory))
  await server.delete(launcher.pod)
  await cluster.podGone(launcher.pod)
  await until('the kubelet to remove its directory', async () => !(await exists(directory)))
  t.notMatch(await readFile(join(cluster.directory, 'kubelet.log'), 'utf8'), /device or resource busy/)
})
