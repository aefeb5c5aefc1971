import t from 'tap'
import { PAUSE_IMAGE, startPlugScene } from '../support/kubernetes/lab.ts'
import { until } from '../support/wait.ts'
import { installHotplugd } from './on-cluster.ts'

t.setTimeout(590_000)

const labels = { 'kubevirt.io': 'virt-handler' }

/** As KubeVirt's, but for what it runs: this one plugs nothing. */
const VIRT_HANDLER = {
  apiVersion: 'apps/v1',
  kind: 'DaemonSet',
  metadata: { name: 'virt-handler', namespace: 'kubevirt', labels },
  spec: {
    selector: { matchLabels: labels },
    template: {
      metadata: { labels },
      spec: { nodeSelector: { 'kubernetes.io/os': 'linux' }, terminationGracePeriodSeconds: 0, containers: [{ name: 'virt-handler', image: PAUSE_IMAGE, imagePullPolicy: 'Never' }] },
    },
  },
}

t.test('installed beside KubeVirt’s virt-handler: a companion that only watches; an agent once that is gone', async (t) => {
  const scene = await startPlugScene(t)
  const { cluster, block, image, launcher, controller } = scene
  const { server } = cluster
  await server.createNamespace('kubevirt')
  await server.create(VIRT_HANDLER)
  const agent = await installHotplugd(cluster, {}, (line) => t.comment(line))
  await agent.rolledOut()
  const readiness = async (words: RegExp): Promise<string> =>
    until(`readiness to say ${String(words)}`, async () => {
      const { text } = await agent.probe('/readyz?verbose')
      if (words.test(text)) return text
      throw new Error(text)
    }, 100)

  await t.test('it follows the volumes, and writes nothing', async (t) => {
    await readiness(/companion, nothing is changed/)
    await scene.announce(block, image)
    const { metadata } = await controller.vmi()
    await until('the companion to tell of both', async () => {
      const text = await agent.hotplugctl('get', 'volumes', 'vmi1')
      if (/^b1 .*AwaitingVirtHandler[^]*^f1 .*AwaitingVirtHandler/m.test(text)) return true
      throw new Error(`${text} ${(await agent.probe('/readyz?verbose')).text} ${JSON.stringify((await controller.vmi()).status)}`)
    }, 200)
    t.match(await agent.hotplugctl('explain', 'vmi1', 'f1'), /virt-handler/)
    t.equal((await controller.vmi()).metadata.resourceVersion, metadata.resourceVersion, 'the VMI is as it was')
    t.notMatch(await launcher.host.virsh('dumpxml', launcher.guest.name), /hotplug-disks/)
    t.equal(await cluster.exec(launcher.pod, 'ls', '/run/kubevirt/hotplug-disks'), '')
  })

  await t.test('virt-handler goes for good: the agent does its job', async () => {
    await server.delete(VIRT_HANDLER)
    await readiness(/agent: /)
    for (const name of ['b1', 'f1']) await until(`${name} to be Ready`, async () => (await controller.entry(name))?.phase === 'Ready', 100)
    await launcher.guest.waitForDisks(['b1', 'f1'])
  })
})
