import t, { type Test } from 'tap'
import type { AgentApi } from '../../src/agent/api.ts'
import { NO_STATE } from '../../src/agent/engine-state.ts'
import { WatchHub } from '../../src/agent/watch-hub.ts'
import { systemClock } from '../../src/adapters/system-clock.ts'
import { HotplugError } from '../../src/errors.ts'
import type { VmKey } from '../../src/model/ids.ts'
import type { Role, RoleVerdict } from '../../src/model/role.ts'
import type { VmStatus } from '../../src/model/status.ts'
import type { RoleSource } from '../../src/ports/role-source.ts'
import { type RoleRun, Roles } from '../../src/roles.ts'
import { until } from '../support/wait.ts'

const VM = 'default/vm1' as VmKey
const reasonOf = (promise: Promise<unknown>): Promise<string> => promise.then(() => 'none', ({ reason }: HotplugError) => reason)
const statusOf = (uid: string): VmStatus => ({ vm: VM, uid, state: 'Running', volumes: [], problems: [] })

class FakeSource implements RoleSource {
  verdict: RoleVerdict = { role: 'companion', why: 'not known yet' }
  #listener: (verdict: RoleVerdict) => void = () => {}
  async start(listener: (verdict: RoleVerdict) => void): Promise<void> {
    this.#listener = listener
  }
  async close(): Promise<void> {}
  become(role: Role): void {
    this.verdict = { role, why: `told to be ${role}` }
    this.#listener(this.verdict)
  }
}

/** A role whose end the test decides. */
class FakeRun implements RoleRun {
  readonly hub = new WatchHub()
  readonly api: AgentApi
  readonly #story: string[]
  readonly #role: Role
  readonly ended = Promise.withResolvers<void>()
  constructor(role: Role, story: string[]) {
    this.#role = role
    this.#story = story
    const refuse = () => Promise.reject(new HotplugError('AskTheCluster', role))
    this.api = { vms: () => [statusOf(role)], vm: () => statusOf(role), watch: (listener) => this.hub.watch(listener), explain: () => null, addVolume: refuse, removeVolume: refuse, history: () => [], state: () => NO_STATE, readiness: () => [{ name: 'own', ok: true, message: '' }] }
  }
  connections = () => []
  async stop(): Promise<void> {
    this.#story.push(`stop ${this.#role}`)
    await this.ended.promise
    this.#story.push(`${this.#role} ended`)
  }
}

function scene(t: Test, before: () => Promise<void> | void = () => {}) {
  const source = new FakeSource()
  const story: string[] = []
  const runs: FakeRun[] = []
  const signals: AbortSignal[] = []
  const begin = (role: Role) => async (signal: AbortSignal): Promise<RoleRun> => {
    story.push(`begin ${role}`)
    signals.push(signal)
    await before()
    const run = new FakeRun(role, story)
    runs.push(run)
    return run
  }
  const roles = new Roles({ source, clock: systemClock, begin: { agent: begin('agent'), companion: begin('companion') }, observer: { note() {}, failed() {} } })
  t.teardown(async () => {
    for (const run of runs) run.ended.resolve()
    await roles.stop()
  })
  return { source, story, runs, roles, signals }
}

t.test('as long as nothing is known it is companion, and then what it is told to be, never two at once', async (t) => {
  const { source, story, runs, roles } = scene(t)
  await roles.start()
  t.equal(roles.role, 'companion')
  t.match(roles.readiness(), [{ name: 'role', ok: true, note: 'companion, nothing is changed: not known yet' }, { name: 'own' }])
  t.match(roles.state(), { role: { role: 'companion', why: 'not known yet', running: 'companion' } })
  source.become('agent')
  t.same(story, ['begin companion', 'stop companion'], 'stopped in the very turn of the news')
  t.match(roles.readiness()[0], { name: 'role', ok: false, message: /is to be agent and is not yet/ })
  t.equal(roles.vms()[0]?.uid, 'companion', 'still answers')
  t.match(roles.state(), { role: { role: 'agent', running: null } })
  t.equal(await reasonOf(roles.addVolume({} as never)), 'Synchronizing')
  runs[0]?.ended.resolve()
  await until('the agent', () => roles.role === 'agent')
  t.same(story, ['begin companion', 'stop companion', 'companion ended', 'begin agent'])
  t.equal(await reasonOf(roles.addVolume({} as never)), 'AskTheCluster')
})

t.test('an agent that becomes companion starts nothing new at once, however long it takes to end', async (t) => {
  const { source, story, runs, roles } = scene(t)
  source.verdict = { role: 'agent', why: 'alone' }
  await roles.start()
  source.become('companion')
  t.same(story, ['begin agent', 'stop agent'])
  source.become('agent')
  source.become('companion')
  t.same(story, ['begin agent', 'stop agent'], 'asked once only')
  runs[0]?.ended.resolve()
  await until('the companion', () => roles.role === 'companion')
  t.same(story, ['begin agent', 'stop agent', 'agent ended', 'begin companion'])
})

t.test('news while a role begins end it as soon as it has begun', async (t) => {
  const gate = Promise.withResolvers<void>()
  const { source, story, runs, roles, signals } = scene(t, () => gate.promise)
  source.verdict = { role: 'agent', why: 'alone' }
  const started = roles.start()
  await until('the agent to begin', () => signals.length === 1)
  source.become('companion')
  t.equal(signals[0]?.aborted, true, 'it is told before it has begun')
  gate.resolve()
  await until('the agent to be stopped', () => story.includes('stop agent'))
  runs[0]?.ended.resolve()
  await started
  t.equal(roles.role, 'companion')
})

t.test('a watch of the local API outlives the change', async (t) => {
  const { source, runs, roles } = scene(t)
  const told: (string | null | undefined)[] = []
  await roles.start()
  const end = roles.watch((_vm, status) => told.push(status?.uid))
  runs[0]?.hub.publish(statusOf('one'))
  runs[0]?.ended.resolve()
  source.become('agent')
  await until('the agent', () => roles.role === 'agent')
  runs[1]?.hub.publish(statusOf('two'))
  runs[0]?.hub.publish(statusOf('late'))
  end()
  runs[1]?.hub.publish(statusOf('three'))
  t.same(told, ['one', 'agent', 'two'])
})

t.test('a role that cannot be begun: told at the start, tried again later', async (t) => {
  let isFull = true
  const before = (): void => {
    if (isFull) throw new HotplugError('StateUnwritable', 'no room')
  }
  t.equal(await reasonOf(scene(t, before).roles.start()), 'StateUnwritable')
  isFull = false
  const { source, roles, runs } = scene(t, before)
  await roles.start()
  isFull = true
  runs[0]?.ended.resolve()
  source.become('agent')
  await until('the failure in the readiness', () => /no room/.test(roles.readiness()[0]?.message ?? ''))
  isFull = false
  await until('the agent', () => roles.role === 'agent')
})

t.test('stopped while it changes over, nothing begins any more', async (t) => {
  const { source, story, runs, roles } = scene(t)
  await roles.start()
  source.become('agent')
  const stopped = roles.stop()
  runs[0]?.ended.resolve()
  await stopped
  t.same(story, ['begin companion', 'stop companion', 'companion ended'])
})
