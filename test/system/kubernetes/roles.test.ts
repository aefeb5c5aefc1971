import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import type { Daemon } from '../../support/daemon.ts'
import { daemonDirectories, spawnDaemon } from '../../support/daemon.ts'
import { until } from '../../support/lab.ts'
import { controlledBy, type KubeObject, type Made } from '../../support/kubernetes/lab.ts'
import { RecordingProxy } from '../../companion/recording-proxy.ts'
import { metricFaults } from '../../support/promtool.ts'
import { KubernetesScene, NODE } from './scene.ts'

/**
 * KubeVirt's virt-handler is played by a second hotplugd that was told to be the agent: it makes the same nodes and mounts,
 * attaches under the same aliases and writes the same phases. What is tested beside it reaches the API server through a
 * proxy that writes every request down.
 */
const scene = await KubernetesScene.start(t)
const { server } = scene
await server.createNamespace('kubevirt')
const proxy = await RecordingProxy.start({ url: server.url, caFile: server.caFile, token: server.credentials.adminToken })
t.teardown(() => proxy[Symbol.asyncDispose]())
const vm = await scene.startVm()
const { guest } = vm.launcher
const data = await scene.block('data')

const daemonSet: KubeObject = {
  apiVersion: 'apps/v1',
  kind: 'DaemonSet',
  metadata: { name: 'virt-handler', namespace: 'kubevirt', labels: { 'kubevirt.io': 'virt-handler' } },
  spec: {
    selector: { matchLabels: { app: 'virt-handler' } },
    template: { metadata: { labels: { app: 'virt-handler' } }, spec: { nodeSelector: { 'kubernetes.io/os': 'linux' }, containers: [{ name: 'virt-handler', image: 'none' }] } },
  },
}

const handlerPod = (owner: Made): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'virt-handler-1', namespace: 'kubevirt', ownerReferences: [controlledBy(owner)] },
  spec: { nodeName: NODE, automountServiceAccountToken: false, containers: [{ name: 'virt-handler', image: 'none' }] },
})

async function flagsFor(name: string, url: string): Promise<string[]> {
  const path = join(server.directory, `kubeconfig-${name}`)
  const cluster = url.startsWith('https') ? { server: url, 'certificate-authority': server.caFile } : { server: url, 'insecure-skip-tls-verify': true }
  const kubeconfig = { apiVersion: 'v1', kind: 'Config', clusters: [{ name, cluster }], users: [{ name, user: { token: server.credentials.adminToken } }], contexts: [{ name, context: { cluster: name, user: name } }], 'current-context': name }
  await writeFile(path, JSON.stringify(kubeconfig), { mode: 0o600 })
  return ['--mode', 'kubernetes', '--node-name', NODE, '--kubeconfig', path, '--kubelet-dir', scene.node.kubeletDir]
}

/** The role's line of /readyz?verbose. */
async function role(daemon: Daemon, wanted: RegExp): Promise<void> {
  await until(`role ${wanted}`, async () => {
    const { text } = await daemon.call('GET', '/readyz?verbose')
    if (wanted.test(text)) return true
    throw new Error(text)
  })
}

const stagesOf = async (daemon: Daemon): Promise<string[] | undefined> => (await daemon.volume('vm1', 'data'))?.stages?.map(({ name }) => name)

const made = await server.create(daemonSet)
const pod = await server.create(handlerPod(made))
const handler = await spawnDaemon(t, { libvirt: {}, flags: [...(await flagsFor('handler', server.url)), '--role', 'agent'] })
await handler.waitReady()
const directories = await daemonDirectories(t)
const flags = await flagsFor('companion', proxy.credentials.server)
const watcher = await spawnDaemon(t, { libvirt: {}, directories, flags })

void t.test('beside virt-handler it is companion and says so', async (t) => {
  await role(watcher, /^\[\+\]role ok: companion, nothing is changed: .*virt-handler-1$/m)
  await watcher.waitReady()
  const answer = await watcher.add('vm1', 'own', '/dev/null')
  t.equal(answer.status, 409)
  t.match(answer.text, /CompanionRole.*companion/)
})

void t.test('it follows a real volume in, with the guest’s own disk to prove it', async (t) => {
  await scene.plug(vm, [data], { serial: 'DATA-1' })
  await scene.phase(vm, 'data', 'Ready')
  await guest.waitForDisk('DATA-1')
  t.match(await watcher.ready('vm1', 'data'), { target: 'sda', serial: 'DATA-1', conditions: [{ status: 'True' }, { type: 'Exposed', status: 'True' }, { type: 'Attached', status: 'True' }, { status: 'True' }] })
  t.same((await stagesOf(watcher))?.slice(-2), ['attached', 'reported'], 'the last ones at least were seen as they passed')
  const explained = await watcher.ctl('explain', 'vm1', 'data')
  t.match(explained.stdout, /data is in the guest of default\/vm1 as sda/)
  const { text } = await watcher.call('GET', '/metrics')
  t.same(await metricFaults(text), [])
  for (const line of [/^hotplugd_role\{role="companion"\} 1$/m, /^hotplugd_api_watch_synced\{watch="vmis"\} 1$/m, /^hotplugd_api_watch_synced\{watch="virt-handler pods"\} 1$/m]) t.match(text, line)
  t.match(text, /hotplugd_volumes\{phase="Ready",reason="VolumeReady"\} 1/)
  t.notMatch((await handler.call('GET', '/metrics')).text, /virt-handler pods/, 'who was told its role does not watch for it')
})

void t.test('and out', async (t) => {
  await vm.controller.unplug('data')
  await scene.phase(vm, 'data', 'UnMountedFromPod')
  await until('all three stages', async () => (await stagesOf(watcher))?.length === 3)
  t.same(await stagesOf(watcher), ['detached', 'released', 'reported'])
  await vm.controller.drop('data')
  await watcher.gone('vm1', 'data')
  t.same(proxy.writes(), [], 'not one write to the API server')
})

void t.test('when virt-handler has left, it is the agent; when it comes back, companion at once', async (t) => {
  await handler.stop()
  await server.delete(made)
  await server.delete(pod, { gracePeriodSeconds: 0 })
  await role(watcher, /^\[\+\]role ok: agent: /m)
  const files = await scene.image('files')
  await scene.plug(vm, [files], { serial: 'FILES-1' })
  await scene.phase(vm, 'files', 'Ready')
  await guest.waitForDisk('FILES-1')

  const again = await server.create(daemonSet)
  await server.create(handlerPod(again))
  await role(watcher, /^\[\+\]role ok: companion/m)
  await watcher.ready('vm1', 'files')
  const before = proxy.writes().length
  await vm.controller.unplug('files')
  await until('the companion to see it', async () => (await watcher.volume('vm1', 'files'))?.phase === 'Detaching')
  t.match(await guest.waitForDisk('FILES-1'), { serial: 'FILES-1' }, 'the disk stays for virt-handler to take out')
  t.equal(proxy.writes().length, before)
})
