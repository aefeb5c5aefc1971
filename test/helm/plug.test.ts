import { readFile } from 'node:fs/promises'
import t, { type Test } from 'tap'
import { startPlugScene, type KubeObject, type NodeVolume, type PlugScene, type VolumeStatusEntry } from '../support/kubernetes/lab.ts'
import { until } from '../support/wait.ts'
import { installHotplugd, type InstalledAgent } from './on-cluster.ts'

t.setTimeout(590_000)

const OFFSET = 4096

/** Numbers of capabilities: SYS_ADMIN, SYS_PTRACE, SYS_CHROOT, MKNOD, CHOWN, DAC_OVERRIDE. */
const SIX = [21n, 19n, 18n, 27n, 0n, 1n].reduce((all, number) => all | (1n << number), 0n)

interface Event extends KubeObject {
  readonly type: string
  readonly reason: string
  readonly message: string
  readonly involvedObject: { readonly name: string }
}

interface World {
  readonly scene: PlugScene
  readonly agent: InstalledAgent
}

/** The VMI says so; else what it says and what the agent logged. */
const phase = ({ scene, agent }: World, volume: string, wanted: string): Promise<VolumeStatusEntry> =>
  until(`${volume} to be ${wanted}`, async () => {
    const entry = await scene.controller.entry(volume)
    if (entry?.phase === wanted) return entry
    throw new Error(`${JSON.stringify(entry)} ${(await agent.whatItSays()).slice(-3000)}`)
  }, 50)

/** Out of the spec, out of the guest, released; then what virt-controller does with the entry. */
const unplug = async (world: World, volume: string): Promise<void> => {
  const { controller, launcher } = world.scene
  await controller.unplug(volume)
  await phase(world, volume, 'UnMountedFromPod')
  await launcher.guest.waitForNoDisk(volume)
  await controller.detaching(volume)
  await controller.drop(volume)
}

/** Written in the guest, read on the volume of the node. */
const carries = async (t: Test, { launcher }: PlugScene, volume: NodeVolume, text: string): Promise<void> => {
  await launcher.guest.write(volume.volume, OFFSET, text)
  const read = volume.mode === 'Block' ? await volume.device.read(OFFSET, text.length) : (await readFile(volume.path)).subarray(OFFSET, OFFSET + text.length)
  t.equal(String(read), text)
}

const reasons = async ({ cluster }: PlugScene, volume: string): Promise<readonly string[]> => {
  const events = await cluster.server.list<Event>('v1', 'Event', 'default')
  const own = events.filter(({ involvedObject, message }) => involvedObject.name === 'vmi1' && message.includes(` ${volume} `))
  return own.sort((one, other) => (one.metadata.creationTimestamp ?? '').localeCompare(other.metadata.creationTimestamp ?? '')).map(({ type, reason }) => `${type} ${reason}`)
}

t.test('installed by helm, run by a kubelet: from the attachment pod to the guest, and back to the VMI’s status', async (t) => {
  const scene = await startPlugScene(t)
  const { cluster, block, image, launcher } = scene
  const agent = await installHotplugd(cluster, {}, (line) => t.comment(line))
  const world = { scene, agent }
  const first = await agent.rolledOut()

  await t.test('it runs with what the chart gives it, and with nothing more', async (t) => {
    const status = await readFile(`/proc/${await cluster.containerPid(first)}/status`, 'utf8')
    const field = (name: string): string => new RegExp(`^${name}:\\s*(.+)$`, 'm').exec(status)?.[1] ?? ''
    for (const set of ['CapPrm', 'CapEff', 'CapBnd']) t.equal(BigInt(`0x${field(set)}`), SIX, set)
    t.equal(field('NoNewPrivs'), '1')
    t.equal(field('Seccomp'), '2', 'a filter')
    t.match(await cluster.exec(first, 'sh', '-c', 'touch /x 2>&1 || true'), /Read-only file system/)
  })

  await t.test('probes and metrics are on the pod’s address, and nothing else is', async (t) => {
    t.equal((await agent.probe('/livez')).text, 'ok\n')
    t.match((await agent.probe('/readyz?verbose')).text, /readyz check passed/)
    t.match((await agent.probe('/metrics')).text, /^# HELP hotplugd_/m)
    t.equal((await agent.probe('/debug/state')).status, 404)
    t.match(await agent.hotplugctl('version'), /hotplugd/)
  })

  await t.test('a block device and an image, each under its own serial', async (t) => {
    await scene.announce(block, image)
    t.match(await phase(world, 'b1', 'Ready'), { target: /^sd[ab]$/, reason: 'VolumeReady', message: 'Successfully attach hotplugged volume b1 to VM' })
    t.match(await phase(world, 'f1', 'Ready'), { target: /^sd[ab]$/, reason: 'VolumeReady' })
    await launcher.guest.waitForDisks(['b1', 'f1'])
    await carries(t, scene, block, 'to the device')
    await carries(t, scene, image, 'to the image')
  })

  await t.test('Events tell it, once each', async (t) => {
    await until('the Events', async () => (await reasons(scene, 'f1')).includes('Normal VolumeReady') && (await reasons(scene, 'b1')).includes('Normal VolumeReady'))
    for (const volume of ['b1', 'f1']) t.same([...(await reasons(scene, volume))].sort(), ['Normal VolumeMountedToPod', 'Normal VolumeReady'], volume)
  })

  await t.test('unplugged: out of the guest, released, reported', async (t) => {
    await unplug(world, 'b1')
    await block.device.read(0, 1)
    t.notMatch(await launcher.host.virsh('dumpxml', launcher.guest.name), /hotplug-disks\/b1'/)
    await carries(t, scene, image, 'still to the image')
  })

  await t.test('the agent’s pod deleted: its successor knows what is plugged', async (t) => {
    const pod = await agent.pod()
    await cluster.server.delete(pod)
    await cluster.podGone(pod)
    t.not((await agent.rolledOut()).metadata.uid, pod.metadata.uid)
    await carries(t, scene, image, 'past its agent')
    t.match(await scene.controller.entry('f1'), { phase: 'Ready' })
    t.match(await agent.hotplugctl('get', 'volumes', 'vmi1'), /f1 +Ready/)
  })

  await t.test('uninstalled: nothing leaves the guest; installed again: it can be taken out', async (t) => {
    await agent.uninstall()
    t.match(await cluster.run('ls', '/run/hotplugd'), /exposures.journal/, 'what is plugged is written down on the node')
    await carries(t, scene, image, 'without any agent')
    await agent.install({})
    await agent.rolledOut()
    await unplug(world, 'f1')
    t.strictSame((await launcher.guest.disks()).filter(({ serial }) => serial === 'f1'), [])
  })
})
