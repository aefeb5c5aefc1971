import { pino } from 'pino'
import t, { type Test } from 'tap'
import { RoleWatch, type RoleWatchOptions } from '../../../src/adapters/kubernetes/role-watch.ts'
import { systemClock } from '../../../src/adapters/system-clock.ts'
import type { RoleVerdict } from '../../../src/model/role.ts'
import { until } from '../../support/wait.ts'
import { answer, type Asked, listOf, LoopbackApi, tell, thing } from './loopback-api.ts'

const QUICK = { firstBackoffMs: 5, longestBackoffMs: 40 }
const LINUX = { spec: { template: { spec: { nodeSelector: { 'kubernetes.io/os': 'linux' } } } } }

const daemonSet = (uid: string, name = 'virt-handler', extra: Record<string, unknown> = LINUX) => ({ ...thing(name, uid, '1'), ...extra })

function ownedPod(uid: string, ownerUid: string, extra: Record<string, unknown> = {}): Record<string, unknown> {
  const { metadata } = thing(`handler-${uid}`, uid, extra['version'] as string ?? '20') as { metadata: object }
  return { metadata: { ...metadata, ownerReferences: [{ kind: 'DaemonSet', name: 'virt-handler', uid: ownerUid, controller: true }], ...(extra['terminating'] ? { deletionTimestamp: 'now' } : {}) } }
}

/** The API server's side of the story: what it has, and what it does when asked. */
class Cluster {
  daemonSets: unknown[] = []
  pods: unknown[] = []
  status = 200
  /** Questions about DaemonSets wait for `answerAll`. */
  isSlow = false
  readonly #held: (() => void)[] = []
  answerAll(): void {
    this.isSlow = false
    for (const go of this.#held.splice(0)) go()
  }
  readonly watches = new Set<Parameters<typeof tell>[0]>()
  handle(asked: Asked, reply: Parameters<typeof tell>[0]): void {
    const isPods = asked.path.endsWith('/pods')
    if (asked.query.get('watch') === 'true') {
      this.watches.add(reply)
      return tell(reply)
    }
    if (!isPods && this.isSlow) return void this.#held.push(() => this.handle(asked, reply))
    if (!isPods && this.status !== 200) return answer(reply, this.status, { kind: 'Status', message: `refused with ${this.status}` })
    answer(reply, 200, listOf(isPods ? this.pods : this.daemonSets, '10'))
  }
  event(type: string, object: unknown): void {
    for (const reply of this.watches) tell(reply, { type, object })
  }
}

async function scene(t: Test, prepare: (cluster: Cluster) => void = () => {}, options: Partial<RoleWatchOptions> = {}) {
  const [api, cluster] = [await LoopbackApi.start(t), new Cluster()]
  prepare(cluster)
  api.handler = (asked, reply) => cluster.handle(asked, reply)
  const client = api.client({ timeoutMs: 1_000 })
  const watch = new RoleWatch({ asked: 'auto', node: 'node1', namespace: 'kubevirt', client, clock: systemClock, log: pino({ level: 'silent' }), processor: 'x64', pollMs: 30, retryMs: 20, times: QUICK, ...options })
  const story: string[] = []
  t.teardown(async () => {
    await watch.close()
    client.close()
  })
  const whys: string[] = []
  const start = (): void => void watch.start(({ role, why }: RoleVerdict) => {
    whys.push(why)
    if (story.at(-1) !== role) story.push(role)
  })
  return { api, cluster, watch, story, whys, start, becomes: (role: string) => until(role, () => watch.verdict.role === role), told: (why: RegExp) => until(String(why), () => why.test(watch.verdict.why)) }
}

t.test('companion until it is known, then agent where there is no virt-handler', async (t) => {
  const { watch, start, becomes, api } = await scene(t)
  t.match(watch.verdict, { role: 'companion', why: /not known yet/ })
  start()
  await becomes('agent')
  t.ok(api.asked.every(({ method }) => method === 'GET'))
  t.match(Object.fromEntries(api.watches()[0]?.query ?? []), { fieldSelector: 'spec.nodeName=node1' })
  t.equal(api.watches()[0]?.path, '/api/v1/namespaces/kubevirt/pods')
})

t.test('virt-handler comes, restarts and goes', async (t) => {
  const { cluster, story, whys, start, becomes, told } = await scene(t)
  start()
  await becomes('agent')
  await until('the watch', () => cluster.watches.size > 0)
  cluster.daemonSets = [daemonSet('ds1')]
  cluster.event('ADDED', ownedPod('p1', 'ds1'))
  await told(/runs here: pod handler-p1/)
  cluster.event('MODIFIED', ownedPod('p1', 'ds1', { version: '21', terminating: true }))
  await told(/still ending here/)
  cluster.event('DELETED', ownedPod('p1', 'ds1', { version: '22', terminating: true }))
  await told(/selects this node/)
  cluster.event('ADDED', ownedPod('p2', 'ds1', { version: '23' }))
  await told(/runs here: pod handler-p2/)
  cluster.daemonSets = []
  await until('the answer to be asked for again', () => cluster.watches.size > 0)
  t.equal((await told(/handler-p2/)), true)
  cluster.event('DELETED', ownedPod('p2', 'ds1', { version: '24' }))
  await becomes('agent')
  t.same(story, ['agent', 'companion', 'agent'], whys.join('; '))
})

t.test('a pod that goes before DaemonSets were answered leaves no agent behind', async (t) => {
  const { cluster, story, whys, start, becomes, told } = await scene(t)
  start()
  await becomes('agent')
  await until('the watch', () => cluster.watches.size > 0)
  cluster.isSlow = true
  cluster.daemonSets = [daemonSet('ds1')]
  cluster.event('ADDED', ownedPod('p1', 'ds1'))
  await told(/runs here/)
  cluster.event('DELETED', ownedPod('p1', 'ds1', { version: '21' }))
  await told(/has come, gone or changed/)
  cluster.answerAll()
  await told(/selects this node/)
  t.same(story, ['agent', 'companion'], whys.join('; '))
})

t.test('pods of another DaemonSet, such as hotplugd’s own, disturb nobody', async (t) => {
  const { cluster, story, start, becomes, api } = await scene(t, (cluster) => void (cluster.daemonSets = [daemonSet('own', 'hotplugd')]), { pollMs: 60_000 })
  start()
  await becomes('agent')
  await until('the watch', () => cluster.watches.size > 0)
  const before = api.lists().length
  for (let version = 20; version < 30; version++) cluster.event('MODIFIED', ownedPod('h1', 'own', { version: String(version) }))
  cluster.event('ADDED', ownedPod('p1', 'ds1', { version: '40' }))
  await until('a question', () => api.lists().length > before)
  t.ok(api.lists().length <= before + 2, 'asked about the last one only')
  t.same(story, ['agent', 'companion'])
})

t.test('a DaemonSet that selects other nodes leaves this one to the agent', async (t) => {
  const elsewhere = { spec: { template: { spec: { nodeSelector: { 'kubernetes.io/os': 'windows' } } } } }
  const { start, becomes, told } = await scene(t, (cluster) => void (cluster.daemonSets = [daemonSet('ds1', 'virt-handler', elsewhere)]))
  start()
  await becomes('agent')
  await told(/does not select this node/)
})

t.test('refused: companion, with the server’s words; agent again after an answer', async (t) => {
  const { cluster, story, start, becomes, told } = await scene(t)
  start()
  await becomes('agent')
  cluster.status = 403
  await told(/cannot be found out.*refused with 403/)
  cluster.status = 200
  await becomes('agent')
  t.same(story, ['agent', 'companion', 'agent'])
})

t.test('silence takes no answer back, and gives none', async (t) => {
  const known = await scene(t)
  known.start()
  await known.becomes('agent')
  known.cluster.status = 503
  const before = known.api.lists().length
  await until('questions in vain', () => known.api.lists().length > before + 4)
  t.same(known.story, ['agent'])
  const unknown = await scene(t, (cluster) => void (cluster.status = 503))
  unknown.start()
  await unknown.told(/cannot be found out.*503/)
  t.equal(unknown.watch.verdict.role, 'companion')
})

t.test('a role that is asked for needs no answer', async (t) => {
  for (const asked of ['agent', 'companion'] as const) {
    const { api, watch, start } = await scene(t, () => {}, { asked })
    start()
    t.match(watch.verdict, { role: asked, why: `--role ${asked} says so` })
    t.same(api.asked, [])
  }
})
