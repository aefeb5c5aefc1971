import { pino } from 'pino'
import t, { type Test } from 'tap'
import { ApiClient, type ApiReader, readingApi } from '../../src/adapters/kubernetes/api/api-client.ts'
import { NodeView } from '../../src/adapters/kubernetes/node-view.ts'
import { createObservedVmis } from '../../src/adapters/kubernetes/observed-vmis.ts'
import { RoleWatch } from '../../src/adapters/kubernetes/role-watch.ts'
import { systemClock } from '../../src/adapters/system-clock.ts'
import { History } from '../../src/agent/history.ts'
import { WatchHub } from '../../src/agent/watch-hub.ts'
import { CompanionApi } from '../../src/companion/companion-api.ts'
import { Companion } from '../../src/companion/companion.ts'
import { readingOnly } from '../../src/companion/domains-reader.ts'
import type { VmKey } from '../../src/model/ids.ts'
import { FakeDomains } from '../agent/fakes.ts'
import { type ApiServer, attachmentPod, claim, controlledBy, installKubeVirtCrds, type KubeObject, launcherPod, type Made, podStatus, startApiServer, VirtController, vmi } from '../support/kubernetes/lab.ts'
import { until } from '../support/wait.ts'
import { RecordingProxy } from './recording-proxy.ts'
import { hotplugDisk } from './sightings.ts'

const NAMESPACE = 'kubevirt'
const log = pino({ level: 'silent' })

/** What the companion's service account may do: nothing but read. */
async function readerToken(server: ApiServer): Promise<string> {
  const rules = [
    { apiGroups: ['kubevirt.io'], resources: ['virtualmachineinstances', 'kubevirts'], verbs: ['get', 'list', 'watch'] },
    { apiGroups: [''], resources: ['pods'], verbs: ['get', 'list', 'watch'] },
    { apiGroups: ['apps'], resources: ['daemonsets'], verbs: ['get', 'list'] },
  ]
  await server.create({ apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', metadata: { name: 'reader' }, rules })
  await server.create({ apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRoleBinding', metadata: { name: 'reader' }, roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'reader' }, subjects: [{ kind: 'ServiceAccount', name: 'default', namespace: 'agents' }] })
  await server.createNamespace('agents')
  return server.tokenFor('default', { namespace: 'agents', node: 'node1' })
}

const handlerSet = (podSpec: object = { nodeSelector: { 'kubernetes.io/os': 'linux' } }): KubeObject => ({
  apiVersion: 'apps/v1',
  kind: 'DaemonSet',
  metadata: { name: 'virt-handler', namespace: NAMESPACE, labels: { 'kubevirt.io': 'virt-handler' } },
  spec: { selector: { matchLabels: { 'kubevirt.io': 'virt-handler' } }, template: { metadata: { labels: { 'kubevirt.io': 'virt-handler' } }, spec: { ...podSpec, containers: [{ name: 'virt-handler', image: 'none' }] } } },
})

const handlerPod = (name: string, owner: Made | null, namespace = NAMESPACE): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace, labels: { 'kubevirt.io': 'virt-handler' }, ...(owner && { ownerReferences: [controlledBy(owner)] }) },
  spec: { nodeName: 'node1', automountServiceAccountToken: false, containers: [{ name: 'virt-handler', image: 'none' }] },
})

const gone = { gracePeriodSeconds: 0 }

t.test('beside a real API server', async (t) => {
  const server = await startApiServer(t)
  await installKubeVirtCrds(server)
  await server.createNamespace(NAMESPACE)
  const proxy = await RecordingProxy.start({ url: server.url, caFile: server.caFile, token: await readerToken(server) })
  t.teardown(() => proxy[Symbol.asyncDispose]())
  const whole = new ApiClient({ credentials: proxy.credentials, clock: systemClock })
  t.teardown(() => whole.close())
  const client = readingApi(whole)
  await t.test('the role follows the DaemonSet and its own pods', (t) => roleTest(t, { server, client, proxy }))
  await t.test('a volume is followed, in and out', (t) => followTest(t, server, client))
  t.same(proxy.writes(), [], 'not one write to the API server')
  t.ok(proxy.requests.length > 10)
})

interface Stage {
  readonly server: ApiServer
  readonly client: ApiReader
  readonly proxy: RecordingProxy
}

async function roleTest(t: Test, { server, client, proxy }: Stage): Promise<void> {
  const story: string[] = []
  const watch = new RoleWatch({ asked: 'auto', node: 'node1', namespace: NAMESPACE, client, clock: systemClock, log, pollMs: 100, retryMs: 100 })
  t.teardown(() => watch.close())
  t.equal(watch.verdict.role, 'companion')
  void watch.start(({ role }) => void (story.at(-1) === role || story.push(role)))
  const says = (why: RegExp) => until(String(why), () => why.test(watch.verdict.why))
  await says(/has no virt-handler DaemonSet/)

  await server.create(handlerPod('labelled-only', null))
  await server.createNamespace('elsewhere')
  const stranger = await server.create({ ...handlerSet(), metadata: { ...handlerSet().metadata, namespace: 'elsewhere' } })
  await server.create(handlerPod('elsewhere', stranger, 'elsewhere'))
  const other = await server.create({ ...handlerSet(), metadata: { name: 'other', namespace: NAMESPACE } })
  await asked(proxy, 2)
  await server.create(handlerPod('of-another', other))
  await asked(proxy, 2)
  t.same(story, ['agent'])

  const set = await server.create(handlerSet())
  await says(/DaemonSet virt-handler of KubeVirt selects this node/)
  await server.create(handlerPod('virt-handler-1', set))
  await says(/runs here: pod virt-handler-1/)
  await server.delete(handlerPod('virt-handler-1', null), gone)
  await says(/selects this node/)
  const second = await server.create(handlerPod('virt-handler-2', set))
  await says(/runs here: pod virt-handler-2/)

  await server.delete(second)
  await says(/still ending here: pod virt-handler-2/)
  const generation = (await server.get(set)).metadata.generation
  await server.patchStatus(set, { status: { observedGeneration: generation, desiredNumberScheduled: 0, currentNumberScheduled: 0, numberMisscheduled: 1, numberReady: 0 } })
  await until('an answer with the new count', () => watch.verdict.role === 'companion')
  t.same(story, ['agent', 'companion'], 'its last pod is still here')
  await server.delete(second, gone)
  await says(/does not select this node, and no pod of it is here/)
  t.same(story, ['agent', 'companion', 'agent'])

  await server.patch(set, { spec: { template: { metadata: { annotations: { changed: 'yes' } } } } })
  await says(/selects this node/)
  t.same(story, ['agent', 'companion', 'agent', 'companion'], 'a count of an earlier version says nothing')
  await server.delete(set)
  await server.delete(other)
  await says(/has no virt-handler DaemonSet/)

  await server.kill9()
  await server.start()
  t.equal(watch.verdict.role, 'agent', 'silence takes no answer back')
  await server.delete({ apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRoleBinding', metadata: { name: 'reader' } })
  await says(/cannot be found out.*forbidden/)
  t.equal(watch.verdict.role, 'companion')
  await server.create({ apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRoleBinding', metadata: { name: 'reader' }, roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'reader' }, subjects: [{ kind: 'ServiceAccount', name: 'default', namespace: 'agents' }] })
  await says(/has no virt-handler DaemonSet/)
}

/** Waits until DaemonSets were asked for so many times more. */
async function asked(proxy: RecordingProxy, times: number): Promise<void> {
  const count = (): number => proxy.requests.filter((request) => request.endsWith('/daemonsets')).length
  const before = count()
  await until('more questions', () => count() >= before + times)
}

async function followTest(t: Test, server: ApiServer, client: ApiReader): Promise<void> {
  const view = new NodeView({ client, clock: systemClock, log, node: 'node1', hotplug: true })
  t.teardown(() => view.close())
  const vmis = createObservedVmis(view)
  const domains = new FakeDomains()
  const hub = new WatchHub()
  const observer = { phaseChanged() {}, stagePassed() {}, actEnded() {}, problem() {}, note() {}, failed() {} }
  let exposed: readonly string[] = []
  const views = { exposed: async () => new Set(exposed), watch: () => () => {} }
  const companion = new Companion({ vmis, views, clock: systemClock, observer, sinks: [hub], domains: readingOnly(domains) })
  const api = new CompanionApi({ companion, vmis, hub, history: new History(systemClock) })
  t.teardown(() => companion.stop())
  companion.start()
  view.start()

  const key = 'default/vmi1' as VmKey
  domains.addDomain(key)
  const made = await server.create(vmi({ name: 'vmi1' }))
  const launcher = await server.create(launcherPod(made))
  await server.patch(made, { status: { activePods: { [launcher.metadata.uid]: 'node1' } } })
  const controller = new VirtController(server, made)
  const volume = () => api.vm({ namespace: 'default', name: 'vmi1' })?.volumes.find(({ name }) => name === 'data')
  const reason = (wanted: string) => until(wanted, () => volume()?.reason === wanted)

  await controller.plug({ name: 'data', disk: { serial: 'DATA' } })
  await reason('AwaitingController')
  await controller.pending('data')
  await reason('ClaimNotReady')
  await controller.bound({ name: 'data' })
  await until('bound', () => /no attachment pod was made/.test(volume()?.message ?? ''))
  const pvc = await server.create(claim({ name: 'data' }))
  const attachment = await server.create({ ...attachmentPod(launcher, [{ volume: 'data', claim: pvc, mode: 'Block' }], { name: 'hp1', running: false }) })
  await server.patchStatus(attachment, { status: podStatus('hotplug-disk', false) })
  await controller.attachedToNode('data', { name: 'hp1' })
  await reason('AttachmentPodNotReady')
  t.match(api.explain({ vm: key, volume: 'data' }), { evidence: { attachmentPod: 'hp1', attachmentPodReady: false }, message: /hp1 is Pending: ContainerCreating/ })
  await server.patchStatus(attachment, { status: podStatus('hotplug-disk', true) })
  await controller.attachedToNode('data', { name: 'hp1', uid: attachment.metadata.uid })
  await reason('AwaitingVirtHandler')
  exposed = ['data']
  await server.patch(made, [{ op: 'replace', path: '/status/volumeStatus/0/phase', value: 'MountedToPod' }])
  await until('exposed', () => volume()?.stages.some(({ name }) => name === 'exposed'))
  domains.setDisks(key, [hotplugDisk('data', { serial: 'DATA' })])
  domains.listener?.onDiskAdded(key, 'ua-data')
  await server.patch(made, [{ op: 'replace', path: '/status/volumeStatus/0/phase', value: 'Ready' }])
  await reason('VolumeReady')
  t.same(volume()?.stages.map(({ name }) => name), ['podReady', 'discovered', 'exposed', 'attached', 'reported'])

  await controller.unplug('data')
  await until('on its way out', () => volume()?.phase === 'Detaching')
  domains.setDisks(key, [])
  domains.listener?.onDiskRemoved(key, 'ua-data')
  await until('detached', () => volume()?.stages.length === 1)
  exposed = []
  await server.patch(made, [{ op: 'replace', path: '/status/volumeStatus/0/phase', value: 'UnMountedFromPod' }])
  await until('reported', () => volume()?.stages.length === 3)
  t.same(volume()?.stages.map(({ name }) => name), ['detached', 'released', 'reported'])
  await controller.drop('data')
  await until('nothing left', () => volume() === undefined)
  t.same(domains.calls, [], 'not one change asked of libvirt')
}
