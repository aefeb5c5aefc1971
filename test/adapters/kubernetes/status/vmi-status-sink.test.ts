import type { ServerResponse } from 'node:http'
import t, { type Test } from 'tap'
import type { VmKey } from '../../../../src/model/ids.ts'
import type { VolumeStatus } from '../../../../src/model/status.ts'
import { sample, sampleWith } from '../../../support/kubernetes/samples.ts'
import { until } from '../../../support/wait.ts'
import { type Agent, says, startAgent } from '../cluster-scene.ts'
import { answer, type Asked, listOf, LoopbackApi, plainCredentials, tell } from '../loopback-api.ts'

const VM = 'default/vmi1' as VmKey
const ATTACHED = 'vmi-add-b1-04-AttachedToNode'

type Operation = { readonly op: string; readonly path: string; readonly value: unknown }

/** An API server with one VMI, and whatever faults the test wants when it is patched. */
class Scene {
  readonly api: LoopbackApi
  vmi = sample(ATTACHED) as { metadata: { resourceVersion: string }; status: { volumeStatus: Record<string, unknown>[] } }
  hasSubresource = false
  readonly patches: Asked[] = []
  readonly events: { type: string; reason: string; metadata: { name: string } }[] = []
  onPatch: (reply: ServerResponse, asked: Asked) => boolean = () => false
  onEvent: (reply: ServerResponse) => boolean = () => false
  watch: ServerResponse | null = null
  agent!: Agent

  private constructor(api: LoopbackApi) {
    this.api = api
    api.handler = (asked, reply) => this.#serve(asked, reply)
  }

  static async start(t: Test, change: (scene: Scene) => void = () => undefined): Promise<Scene> {
    const scene = new Scene(await LoopbackApi.start(t))
    change(scene)
    scene.agent = await startAgent(t, plainCredentials(scene.api.port), { timeoutMs: 2_000, silenceMs: 50 })
    await scene.agent.synced()
    return scene
  }

  publish(...volumes: readonly VolumeStatus[]): void {
    this.agent.publish(VM, ...volumes)
  }

  get entry(): Record<string, unknown> {
    return this.vmi.status.volumeStatus[0] ?? {}
  }

  /** What a patch wants of the first entry. */
  wanted(index: number): Record<string, unknown> {
    const operations = JSON.parse(this.patches.at(index)?.body ?? '[]') as Operation[]
    return Object.fromEntries(operations.filter(({ op }) => op === 'add').map(({ path, value }) => [path.split('/').at(-1), value]))
  }

  /** Somebody else changes the VMI. */
  change(path: string, value: unknown): void {
    this.vmi = sampleWith(ATTACHED, { status: structuredClone(this.vmi.status), [path]: value, 'metadata.resourceVersion': String(Number(this.vmi.metadata.resourceVersion) + 1) }) as Scene['vmi']
    if (this.watch !== null) tell(this.watch, { type: 'MODIFIED', object: this.vmi })
  }

  #serve(asked: Asked, reply: ServerResponse): void {
    const { path, query, method } = asked
    if (method === 'POST') return this.#event(asked, reply)
    if (method === 'PATCH') return this.#patch(asked, reply)
    if (path.endsWith('/vmi1')) return answer(reply, 200, this.vmi)
    if (path === '/apis/kubevirt.io/v1') return answer(reply, 200, { resources: this.hasSubresource ? [{ name: 'virtualmachineinstances/status' }] : [] })
    if (path.endsWith('/kubevirts')) return answer(reply, 404, {})
    const isVmis = path.endsWith('/virtualmachineinstances')
    if (query.get('watch') === null) return answer(reply, 200, listOf(isVmis ? [this.vmi] : [sample('launcher-pod'), sample('attachment-pod-b1')], this.vmi.metadata.resourceVersion))
    if (isVmis) this.watch = reply
    tell(reply)
  }

  #event(asked: Asked, reply: ServerResponse): void {
    if (this.onEvent(reply)) return
    this.events.push(JSON.parse(asked.body) as Scene['events'][number])
    answer(reply, 201, {})
  }

  #patch(asked: Asked, reply: ServerResponse): void {
    this.patches.push(asked)
    if (this.onPatch(reply, asked)) return
    if (asked.path.endsWith('/status') && !this.hasSubresource) return answer(reply, 404, {})
    if (!asked.path.endsWith('/status') && this.hasSubresource) return answer(reply, 200, this.vmi)
    const operations = JSON.parse(asked.body) as Operation[]
    const now = (path: string): unknown => path.split('/').slice(1).reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], this.vmi)
    if (operations.some(({ op, path, value }) => op === 'test' && now(path) !== value)) return answer(reply, 422, { message: 'test failed' })
    for (const { op, path, value } of operations) if (op === 'add') this.change(path.split('/').slice(1).join('.'), value)
    answer(reply, 200, this.vmi)
  }
}

t.test('what it writes: own entry, own fields, tested; nothing twice', async (t) => {
  const scene = await Scene.start(t)
  scene.publish(says('b1', 'ready'))
  await until('Ready', () => scene.entry['phase'] === 'Ready')
  scene.publish(says('b1', 'ready'))
  await until('the Event', () => scene.events.length === 1)
  t.equal(scene.patches.length, 1)
  const operations = JSON.parse(scene.patches[0]?.body ?? '') as Operation[]
  t.same(operations.map(({ op, path }) => `${op} ${path}`), [
    'test /metadata/uid', 'test /status/volumeStatus/0/name', 'test /status/volumeStatus/0/phase',
    ...['phase', 'reason', 'message', 'target'].map((key) => `add /status/volumeStatus/0/${key}`),
  ])
  t.match(scene.events[0], {
    kind: 'Event', type: 'Normal', reason: 'VolumeReady', metadata: { namespace: 'default', name: /^vmi1\.[0-9a-f]{16}$/ },
    involvedObject: { kind: 'VirtualMachineInstance', name: 'vmi1', namespace: 'default' }, source: { component: 'hotplugd', host: 'node1' },
  })
})

t.test('a conflict: the fresh object decides', async (t) => {
  const scene = await Scene.start(t)
  scene.onPatch = (reply) => {
    if (scene.patches.length !== 1) return false
    scene.watch = null // the change is not told
    scene.change('status.volumeStatus', [{ name: 'a', target: '' }, ...scene.vmi.status.volumeStatus])
    answer(reply, 422, { message: 'test failed' })
    return true
  }
  scene.publish(says('b1', 'ready'))
  await until('Ready', () => scene.vmi.status.volumeStatus[1]?.['phase'] === 'Ready')
  t.equal(scene.patches.length, 2)
  t.same(scene.vmi.status.volumeStatus[0], { name: 'a', target: '' })
})

t.test('conflicts without end do not become a storm', async (t) => {
  const scene = await Scene.start(t)
  scene.onPatch = (reply) => (answer(reply, 409, { message: 'conflict' }), true)
  scene.publish(says('b1', 'ready'))
  const startMs = performance.now()
  await until('some tries', () => scene.patches.length >= 7)
  t.ok(performance.now() - startMs > 1_000)
})

const OUTAGES: readonly (readonly [string, (reply: ServerResponse) => void])[] = [
  ['500', (reply) => answer(reply, 500, {})],
  ['403', (reply) => answer(reply, 403, { message: 'no' })],
  ['429', (reply) => answer(reply, 429, {}, { 'retry-after': '1' })],
  ['silence', () => undefined],
  ['a cut connection', (reply) => reply.destroy()],
]

for (const [what, fail] of OUTAGES) {
  t.test(`writes survive ${what}; the newest state is what is written`, async (t) => {
    const scene = await Scene.start(t)
    scene.onPatch = (reply) => scene.patches.length <= 2 && (fail(reply), true)
    scene.publish(says('b1', 'exposed'))
    await until('a try', () => scene.patches.length >= 1)
    scene.publish(says('b1', 'ready'))
    await until('Ready', () => scene.entry['phase'] === 'Ready')
    t.match(scene.wanted(-1), { phase: 'Ready', target: 'sda' })
    t.equal(scene.patches.length, 3)
    await until('the answer', () => scene.agent.cluster.sink.counts().writes === 1)
    const { failures } = scene.agent.cluster.sink.counts()
    t.ok(failures === 2 || (failures === 1 && what === 'a cut connection'), 'one cut is taken for a connection that had ended')
  })
}

t.test('a subresource that appears is found out', async (t) => {
  const scene = await Scene.start(t)
  await until('discovery', () => scene.api.asked.some(({ path }) => path === '/apis/kubevirt.io/v1'))
  scene.hasSubresource = true
  scene.publish(says('b1', 'ready'))
  await until('Ready', () => scene.entry['phase'] === 'Ready')
  t.match(scene.patches.map(({ path }) => path.endsWith('/status')), [false, true])
})

t.test('a subresource that went', async (t) => {
  const scene = await Scene.start(t, (one) => void (one.hasSubresource = true))
  await until('discovery', () => scene.api.asked.some(({ path }) => path === '/apis/kubevirt.io/v1'))
  scene.hasSubresource = false
  scene.publish(says('b1', 'ready'))
  await until('Ready', () => scene.entry['phase'] === 'Ready')
  t.match(scene.patches.map(({ path }) => path.endsWith('/status')), [true, false])
})

t.test('libvirt silent: not told for a moment, told when it lasts', async (t) => {
  const scene = await Scene.start(t)
  scene.publish(says('b1', 'ready'))
  await until('Ready', () => scene.entry['phase'] === 'Ready')
  const silent = says('b1', 'ready', { reason: 'LibvirtUnavailable', message: 'silent', conditions: [] })
  scene.publish(silent)
  scene.publish(says('b1', 'ready'))
  t.equal(scene.patches.length, 1)
  scene.publish(silent)
  await until('the reason', () => scene.entry['reason'] === 'LibvirtUnavailable')
  t.match(scene.entry, { phase: 'Ready', target: 'sda' })
  scene.publish(says('b1', 'ready'))
  await until('the end of it', () => scene.entry['reason'] === 'VolumeReady')
  await until('the Warning', () => scene.events.some(({ reason }) => reason === 'LibvirtUnavailable'))
})

t.test('events that cannot be written hold nothing up, and are told once', async (t) => {
  const scene = await Scene.start(t)
  let tries = 0
  scene.onEvent = (reply) => ++tries <= 1 && (answer(reply, 503, {}, { 'retry-after': '0' }), true)
  scene.publish(says('b1', 'plugging', { reason: 'ImageMissing', message: 'none' }))
  scene.publish(says('b1', 'ready'))
  await until('Ready', () => scene.entry['phase'] === 'Ready')
  await until('the Events', () => scene.events.length === 2)
  t.same(scene.events.map(({ type, reason }) => `${type} ${reason}`), ['Warning ImageMissing', 'Normal VolumeReady'])
})

t.test('what an engine says of an earlier VMI is not written into another', async (t) => {
  const scene = await Scene.start(t)
  scene.publish(says('b1', 'exposed'))
  await until('MountedToPod', () => scene.entry['phase'] === 'MountedToPod')
  const { length } = scene.patches
  scene.publish(says('b1', 'ready'))
  scene.vmi = sampleWith(ATTACHED, { 'metadata.uid': 'another', 'metadata.resourceVersion': '99999' }) as Scene['vmi']
  if (scene.watch !== null) tell(scene.watch, { type: 'ADDED', object: scene.vmi })
  await until('the new wish', () => scene.agent.volume(VM, 'b1')?.token === 'another')
  scene.publish(says('b1', 'plugging'))
  scene.change('status.guestOSInfo', { name: 'x' })
  await until('time to pass', () => scene.patches.length - length <= 1)
  t.equal(scene.entry['phase'], 'AttachedToNode')
})

t.test('entries that left, and VMs that are withdrawn: nothing is written', async (t) => {
  const scene = await Scene.start(t)
  scene.change('status.volumeStatus', [])
  await until('the change', () => scene.agent.volume(VM, 'b1')?.blocked?.reason === 'AwaitingController')
  scene.publish(says('b1', 'ready'))
  scene.agent.cluster.sink.withdraw(VM)
  t.equal(scene.patches.length, 0)
})
