import t, { type Test } from 'tap'
import type { ServerResponse } from 'node:http'
import type { DesiredSnapshot } from '../../../src/model/desired.ts'
import type { VmKey } from '../../../src/model/ids.ts'
import { sample, sampleWith } from '../../support/kubernetes/samples.ts'
import { until } from '../../support/wait.ts'
import { type Agent, startAgent } from './cluster-scene.ts'
import { answer, type Asked, listOf, LoopbackApi, plainCredentials, tell } from './loopback-api.ts'

const VM = 'default/vmi1' as VmKey
const VMI = 'vmi-add-b1-06-Ready'
const [LAUNCHER, POD] = [sample('launcher-pod'), sample('attachment-pod-b1')]

/** An API server whose objects the test changes, and whose watches it holds. */
class Scene {
  readonly api: LoopbackApi
  vmis: unknown[] = [sample(VMI)]
  pods: unknown[] = [LAUNCHER, POD]
  /** Answers a GET of the one VMI. */
  get: (reply: ServerResponse) => void = (reply) => answer(reply, 404, {})
  readonly gets: Asked[] = []
  readonly vmiWatches: ServerResponse[] = []
  agent!: Agent

  private constructor(api: LoopbackApi) {
    this.api = api
    api.handler = (asked, reply) => this.#serve(asked, reply)
  }

  static async start(t: Test, change: (scene: Scene) => void = () => undefined): Promise<Scene> {
    const scene = new Scene(await LoopbackApi.start(t))
    change(scene)
    scene.agent = await startAgent(t, plainCredentials(scene.api.port), { timeoutMs: 2_000 })
    return scene
  }

  get snapshot(): DesiredSnapshot | undefined {
    return this.agent.snapshot
  }

  held(): string | null {
    return this.snapshot?.held?.get(VM)?.reason ?? null
  }

  #serve(asked: Asked, reply: ServerResponse): void {
    const { path, query } = asked
    if (path.endsWith('/vmi1')) {
      this.gets.push(asked)
      return this.get(reply)
    }
    if (path.endsWith('/kubevirts')) return answer(reply, 404, {})
    const isVmis = path.endsWith('/virtualmachineinstances')
    if (query.get('watch') === null) return answer(reply, 200, listOf(isVmis ? this.vmis : this.pods, '9000'))
    if (isVmis) this.vmiWatches.push(reply)
    tell(reply)
  }
}

t.test('nothing is told before VMIs and pods were read whole', async (t) => {
  const scene = await Scene.start(t)
  const snapshot = await scene.agent.synced()
  t.equal(scene.agent.snapshots[0], snapshot)
  t.match(snapshot, { volumes: [{ name: 'b1' }], problems: [] })
  const lists = scene.api.lists().filter(({ query }) => query.has('limit'))
  const asked = new Set(lists.map(({ path, query }) => `${path} ${query.get('labelSelector')} ${query.get('fieldSelector')}`))
  t.same([...asked].sort(), [
    '/api/v1/pods kubevirt.io in (virt-launcher,hotplug-disk) spec.nodeName=node1',
    '/apis/kubevirt.io/v1/kubevirts null null',
    '/apis/kubevirt.io/v1/virtualmachineinstances kubevirt.io/nodeName=node1 null',
  ])
})

t.test('a VMI that left the list is held until an answer says that it is gone', async (t) => {
  const scene = await Scene.start(t, (one) => {
    one.get = (reply) => answer(reply, 503, {})
  })
  await scene.agent.synced()
  tell(await until('the watch', () => scene.vmiWatches[0]), { type: 'DELETED', object: sampleWith(VMI, { 'metadata.resourceVersion': '9001' }) })
  await until('it to be held', () => scene.held() === 'VmiUnknown')
  t.same(scene.snapshot?.volumes, [])
  t.ok(scene.agent.cluster.pods.launcher(VM), 'its launcher can still be reached')
  await until('more questions', () => scene.gets.length >= 2)
  t.equal(scene.held(), 'VmiUnknown')
  scene.get = (reply) => answer(reply, 404, {})
  await until('it to be let go', () => scene.held() === null)
})

t.test('another VMI under the name proves the earlier one gone', async (t) => {
  const scene = await Scene.start(t)
  await scene.agent.synced()
  const again = sampleWith(VMI, { 'metadata.uid': 'another', 'metadata.resourceVersion': '9002', 'status.activePods': {} })
  tell(await until('the watch', () => scene.vmiWatches[0]), { type: 'DELETED', object: sampleWith(VMI, { 'metadata.resourceVersion': '9001' }) }, { type: 'ADDED', object: again })
  await until('the new wish', () => scene.snapshot?.volumes[0]?.token === 'another')
  t.equal(scene.held(), null)
  t.equal(scene.agent.cluster.pods.launcher(VM), null, 'the launcher is the other one’s')
  t.equal(scene.snapshot?.volumes[0]?.blocked?.reason, 'LauncherNotFound')
})

t.test('recreated while nobody looked: never a mix of both', async (t) => {
  const scene = await Scene.start(t)
  await scene.agent.synced()
  scene.vmis = [sampleWith(VMI, { 'metadata.uid': 'another', 'metadata.resourceVersion': '9002', 'status.activePods': {} })]
  const watch = await until('the watch', () => scene.vmiWatches[0])
  tell(watch, { type: 'ERROR', object: { code: 410 } })
  await until('the new wish', () => scene.snapshot?.volumes[0]?.token === 'another')
  const tokens = scene.agent.snapshots.filter(({ volumes }) => volumes.length > 0).map(({ volumes }) => volumes.map(({ token }) => token).join())
  t.same([...new Set(tokens)], ['58ddcc95-9821-4aa2-a713-b372aae708f9', 'another'])
})

t.test('a launcher whose VMI is not listed: held until it is known why', async (t) => {
  const scene = await Scene.start(t, (one) => {
    one.vmis = []
    one.get = (reply) => answer(reply, 500, {})
  })
  const first = await scene.agent.synced()
  t.equal(first.held?.get(VM)?.reason, 'VmiUnknown', 'from the first moment')
  scene.get = (reply) => answer(reply, 200, sampleWith(VMI, { 'status.nodeName': 'node2' }))
  await until('an answer', () => scene.held() === 'VmiElsewhere')
})

t.test('hotplug without KubeVirt: the own setting', async (t) => {
  const scene = await Scene.start(t)
  const snapshot = await scene.agent.synced()
  t.equal(snapshot.volumes[0]?.blocked, undefined)
})

t.test('fuzzed objects in lists and watches do no harm', async (t) => {
  const bad = sampleWith(VMI, { spec: { volumes: [{ name: {} }, 7], domain: 'none' }, status: { volumeStatus: 'x', activePods: [1], phase: {} } })
  const scene = await Scene.start(t, (one) => {
    one.vmis = [bad, sampleWith(VMI, { 'metadata.name': 'good', 'metadata.uid': 'good' })]
  })
  const snapshot = await scene.agent.synced()
  t.match(snapshot, { unreadable: [VM], problems: [{ vm: VM, reason: 'VmiInvalid' }, { vm: VM }, { vm: VM }] })
  t.match(snapshot.volumes, [{ vm: 'default/good' }])
})
