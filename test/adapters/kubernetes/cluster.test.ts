import t, { type Test } from 'tap'
import type { VmKey } from '../../../src/model/ids.ts'
import { until } from '../../support/wait.ts'
import { attachmentPod, type ApiServer, claim, installKubeVirtCrds, type KubeObject, launcherPod, startApiServer, vmi } from '../../support/kubernetes/lab.ts'
import { type Agent, attachVolume, makeAgentAccount, NODE, type RunningVm, says, serviceAccount, startAgent, startVm } from './cluster-scene.ts'

const phaseOf = async ({ controller }: RunningVm, volume: string): Promise<string> => (await controller.entry(volume))?.phase ?? ''
const blockOf = (agent: Agent, vm: VmKey, name: string): string | null | undefined => {
  const volume = agent.volume(vm, name)
  return volume === undefined ? undefined : (volume.blocked?.reason ?? null)
}

async function eventsOf(server: ApiServer, vm: RunningVm): Promise<string[]> {
  const events = await server.list<KubeObject & { type: string; reason: string; involvedObject: { uid: string } }>('v1', 'Event', 'default')
  return events.filter(({ involvedObject }) => involvedObject.uid === vm.made.metadata.uid).map(({ type, reason }) => `${type} ${reason}`).sort()
}

async function readyVolume(server: ApiServer, agent: Agent, vm: RunningVm, name: string): Promise<void> {
  await attachVolume(server, vm, name)
  await until('the volume to be plugged', () => blockOf(agent, vm.vm, name) === null)
  const { writes } = agent.cluster.sink.counts()
  agent.publish(vm.vm, says(name, 'ready'))
  await until('Ready', async () => (await phaseOf(vm, name)) === 'Ready')
  await until('the answer', () => agent.cluster.sink.counts().writes > writes)
}

t.test('against a real API server', async (t) => {
  const server = await startApiServer(t)
  await installKubeVirtCrds(server)
  await makeAgentAccount(server)
  const { credentials } = await serviceAccount(t, server)
  const agent = await startAgent(t, credentials)
  const counts = () => agent.cluster.sink.counts()

  await t.test('an empty cluster is read, over two watches', async (t) => {
    const snapshot = await agent.synced()
    t.match(snapshot, { synced: true, volumes: [], unreadable: [], problems: [] })
    t.match(agent.cluster.check(), { name: 'api-server', ok: true, warnings: [] })
    t.same(agent.cluster.states().map(({ name }) => name), ['vmis', 'pods', 'kubevirts'])
    await until('the watches', () => agent.cluster.states().filter(({ watches }) => watches === 1).length === 2)
    t.same(agent.cluster.pods.vms(), [])
  })

  await t.test('a volume goes its way: each wait is named, each phase written', async (t) => {
    const told: (VmKey | null)[] = []
    agent.cluster.pods.watch((one) => told.push(one))
    const vm = await startVm(server, 'way')
    const data = await server.create(claim({ name: 'data', mode: 'Block' }))
    await vm.controller.plug({ name: 'data', disk: { serial: 'S-1' } })
    await until('the wish', () => blockOf(agent, vm.vm, 'data') === 'AwaitingController')
    await vm.controller.pending('data', 'PVC data not found', 'FailedPvcNotFound')
    await until('the claim', () => blockOf(agent, vm.vm, 'data') === 'ClaimNotReady')
    await vm.controller.bound({ name: 'data', mode: 'Block' })
    const pod = await server.create(attachmentPod(vm.launcher, [{ volume: 'data', claim: data, mode: 'Block' }], { running: false }))
    const { name, uid } = pod.metadata
    await vm.controller.attachedToNode('data', { name, uid })
    await until('the pod', () => blockOf(agent, vm.vm, 'data') === 'AttachmentPodNotReady')
    agent.publish(vm.vm, says('data', 'plugging', { reason: 'AttachmentPodNotReady' }))
    const ready = { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] }
    await server.patch(pod, { status: ready }, '/status')
    await until('nothing more to wait for', () => blockOf(agent, vm.vm, 'data') === null)
    t.match(agent.volume(vm.vm, 'data'), { disk: { serial: 'S-1' }, source: { kind: 'claim', claim: 'data' }, token: vm.made.metadata.uid })
    t.match(agent.cluster.pods.launcher(vm.vm), { uid: vm.launcher.metadata.uid, vmiUid: vm.made.metadata.uid })
    t.same(agent.cluster.pods.attachments(vm.vm, 'data'), [{ uid, name, claimUid: data.metadata.uid, volumeMode: 'Block', ready: true, terminating: false }])
    t.same(agent.cluster.pods.vms(), [vm.vm])
    const before = counts().writes
    agent.publish(vm.vm, says('data', 'exposed'))
    await until('MountedToPod', async () => (await phaseOf(vm, 'data')) === 'MountedToPod')
    agent.publish(vm.vm, says('data', 'ready'))
    await until('Ready', async () => (await phaseOf(vm, 'data')) === 'Ready')
    t.match(await vm.controller.entry('data'), { target: 'sda', reason: 'VolumeReady', hotplugVolume: { attachPodUID: uid }, persistentVolumeClaimInfo: { claimName: 'data' } })
    await until('the answer', () => counts().writes - before === 2)
    await vm.controller.unplug('data')
    await until('the wish to be gone', () => blockOf(agent, vm.vm, 'data') === undefined)
    t.equal(await phaseOf(vm, 'data'), 'Ready', 'not before it is released')
    agent.publish(vm.vm, says('data', 'released'))
    await until('UnMountedFromPod', async () => (await phaseOf(vm, 'data')) === 'UnMountedFromPod')
    await until('the answer', () => counts().writes - before === 3)
    t.match(await vm.controller.entry('data'), { target: '', message: 'Volume data has been unmounted from virt-launcher pod' })
    agent.publish(vm.vm)
    await vm.controller.detaching('data')
    await vm.controller.drop('data')
    await until('the Events', async () => (await eventsOf(server, vm)).length === 3)
    t.same(await eventsOf(server, vm), ['Normal VolumeMountedToPod', 'Normal VolumeReady', 'Normal VolumeUnMountedFromPod'])
    t.equal(counts().writes - before, 3)
    t.same(told, [vm.vm])
  })

  await t.test('Ready overtakes MountedToPod where both come at once, and many are one write', async (t) => {
    const vm = await startVm(server, 'many')
    for (const name of ['a', 'b', 'c']) await attachVolume(server, vm, name)
    await until('all', () => ['a', 'b', 'c'].every((name) => blockOf(agent, vm.vm, name) === null))
    const before = counts().writes
    agent.publish(vm.vm, says('a', 'exposed'), says('b', 'exposed'), says('c', 'exposed'))
    agent.publish(vm.vm, says('a', 'ready'), says('b', 'ready', { target: 'sdb' }), says('c', 'ready', { target: 'sdc' }))
    await until('all Ready', async () => (await Promise.all(['a', 'b', 'c'].map((name) => phaseOf(vm, name)))).every((phase) => phase === 'Ready'))
    t.ok(counts().writes - before <= 2)
    for (let round = 0; round < 20; round++) agent.publish(vm.vm, says('a', 'ready'), says('b', 'ready', { target: 'sdb' }), says('c', 'ready', { target: 'sdc' }))
    await vm.controller.status({ guestOSInfo: { name: 'x' } })
    await readyVolume(server, agent, await startVm(server, 'after'), 'z')
    t.ok(counts().writes - before <= 3, 'nothing is written that stands there already')
  })

  await t.test('a failure: reason and message, one Warning, the phase stays, and back', async (t) => {
    const vm = await startVm(server, 'fails')
    await attachVolume(server, vm, 'bad')
    await until('the wish', () => blockOf(agent, vm.vm, 'bad') === null)
    for (let round = 0; round < 5; round++) agent.publish(vm.vm, says('bad', 'plugging', { reason: 'ImageMissing', message: 'no disk.img' }))
    await until('the reason', async () => (await vm.controller.entry('bad'))?.reason === 'ImageMissing')
    t.match(await vm.controller.entry('bad'), { phase: 'AttachedToNode', message: 'no disk.img' })
    agent.publish(vm.vm, says('bad', 'plugging'))
    agent.publish(vm.vm, says('bad', 'plugging', { reason: 'ImageMissing', message: 'no disk.img' }))
    agent.publish(vm.vm, says('bad', 'ready'))
    await until('Ready', async () => (await vm.controller.entry('bad'))?.reason === 'VolumeReady')
    await until('the Events', async () => (await eventsOf(server, vm)).includes('Normal VolumeReady'))
    t.equal((await eventsOf(server, vm)).filter((event) => event === 'Warning ImageMissing').length, 1)
  })

  await t.test('another writer at the same time: both get what they want', async (t) => {
    const vm = await startVm(server, 'busy')
    const pod = await attachVolume(server, vm, 'x')
    await attachVolume(server, vm, 'b')
    await until('the wishes', () => blockOf(agent, vm.vm, 'x') === null)
    const { name, uid } = pod.metadata
    const others = (async () => {
      for (let round = 0; round < 30; round++) {
        await vm.controller.attachedToNode('a', { name: `other-${round}` })
        await vm.controller.attachedToNode('x', { name, uid })
        await vm.controller.drop('a')
      }
    })()
    agent.publish(vm.vm, says('x', 'exposed'), says('b', 'exposed'))
    await until('MountedToPod', async () => (await phaseOf(vm, 'x')) === 'MountedToPod')
    agent.publish(vm.vm, says('x', 'ready', { target: 'sdx' }), says('b', 'ready', { target: 'sdb' }))
    await until('Ready', async () => (await phaseOf(vm, 'x')) === 'Ready' && (await phaseOf(vm, 'b')) === 'Ready')
    await others
    t.match(await vm.controller.entry('x'), { phase: 'Ready', target: 'sdx', hotplugVolume: { attachPodUID: uid } })
    t.match(await vm.controller.entry('b'), { phase: 'Ready', target: 'sdb' })
    t.comment(`${counts().conflicts} conflicts`)
  })

  await t.test('moved away, label lost, gone: only an answer says that a VMI is gone', async (t) => {
    const vm = await startVm(server, 'mover')
    await readyVolume(server, agent, vm, 'm')
    const before = counts().writes
    await server.patch(vm.made, { metadata: { labels: { 'kubevirt.io/nodeName': 'node2' } }, status: { nodeName: 'node2' } })
    await until('it to be held', () => agent.snapshot?.held?.get(vm.vm)?.reason === 'VmiElsewhere')
    t.match(agent.cluster.pods.launcher(vm.vm), { uid: vm.launcher.metadata.uid }, 'its launcher is still here')
    agent.publish(vm.vm, says('m', 'plugging', { reason: 'ImageMissing' }))
    await server.delete(vm.launcher, { gracePeriodSeconds: 0 })
    await until('it to be let go', () => agent.snapshot?.held?.size === 0)
    t.equal(agent.cluster.pods.launcher(vm.vm), null)
    t.equal(counts().writes, before, 'another node is in charge of its status')
    await server.patch(vm.made, { metadata: { labels: { 'kubevirt.io/nodeName': NODE } }, status: { nodeName: NODE } })
    await until('it to be back', () => agent.volume(vm.vm, 'm') !== undefined)
    await server.delete(vm.made)
    await until('it to be gone', () => agent.volume(vm.vm, 'm') === undefined && agent.snapshot?.held?.size === 0)
  })

  await t.test('an unfinished migration: held, nothing written', async (t) => {
    const vm = await startVm(server, 'migrates')
    await readyVolume(server, agent, vm, 'm')
    await vm.controller.status({ migrationState: { sourceNode: NODE, targetNode: 'node2' } })
    await until('it to be held', () => agent.snapshot?.held?.get(vm.vm)?.reason === 'MigrationUnderWay')
    const before = counts().writes
    agent.publish(vm.vm, says('m', 'ready', { target: 'sdq' }))
    await vm.controller.status({ migrationState: { completed: true } })
    await until('the write', async () => (await vm.controller.entry('m'))?.target === 'sdq')
    await until('the answer', () => counts().writes > before)
    t.equal(counts().writes, before + 1)
    t.equal(agent.snapshot?.held?.size, 0)
  })

  await t.test('a launcher of a VMI of another node: held', async (t) => {
    const made = await server.create(vmi({ name: 'incoming', node: 'node2' }))
    const launcher = await server.create(launcherPod(made))
    await until('it to be held', () => agent.snapshot?.held?.get('default/incoming' as VmKey)?.reason === 'VmiElsewhere')
    await server.delete(launcher, { gracePeriodSeconds: 0 })
    await until('it to be let go', () => agent.snapshot?.held?.size === 0)
    t.pass()
  })

  await t.test('a label that is taken away makes nothing disappear', async (t) => {
    const vm = await startVm(server, 'nameless')
    const pod = await attachVolume(server, vm, 'v')
    await until('the wish', () => blockOf(agent, vm.vm, 'v') === null)
    const told: unknown[] = []
    const end = agent.cluster.pods.watch((one) => told.push(one))
    for (const one of [vm.launcher, pod]) await server.patch(one, { metadata: { labels: { 'kubevirt.io': null } } })
    await startVm(server, 'witness') // what comes later has been seen
    await until('the witness', () => agent.cluster.pods.vms()?.includes('default/witness' as VmKey))
    t.match(agent.cluster.pods.launcher(vm.vm), { uid: vm.launcher.metadata.uid })
    t.match(agent.cluster.pods.attachments(vm.vm, 'v'), [{ uid: pod.metadata.uid, ready: true }])
    t.equal(agent.volume(vm.vm, 'v')?.unheld, undefined)
    t.same(told, ['default/witness'])
    end()
    for (const one of [pod, vm.launcher]) await server.patch(one, { metadata: { labels: { 'kubevirt.io': 'virt-launcher' } } })
    await server.delete(pod, { gracePeriodSeconds: 0 })
    await until('its end to be told', () => agent.volume(vm.vm, 'v')?.unheld?.reason === 'SourceNotHeld')
    await server.delete(vm.launcher, { gracePeriodSeconds: 0 })
    await until('the end of the launcher', () => agent.cluster.pods.launcher(vm.vm) === null)
  })

  await t.test('the server away: what is known stays; what happened meanwhile is one write a VM', async (t) => {
    const [one, two] = [await startVm(server, 'out1'), await startVm(server, 'out2')]
    for (const vm of [one, two]) await attachVolume(server, vm, 'v')
    await until('the wishes', () => [one, two].every(({ vm }) => blockOf(agent, vm, 'v') === null))
    const before = counts().writes
    const volumes = agent.snapshot?.volumes.length
    await server.kill9()
    await until('the trouble', () => agent.cluster.check().warnings.length > 0)
    for (const { vm } of [one, two]) for (const state of ['exposed', 'ready'] as const) agent.publish(vm, says('v', state))
    t.match(agent.snapshot, { synced: true, problems: [{ reason: 'ApiServerUnavailable' }] })
    t.equal(agent.snapshot?.volumes.length, volumes)
    t.equal(agent.cluster.check().ok, true)
    await server.start()
    await until('Ready', async () => (await phaseOf(one, 'v')) === 'Ready' && (await phaseOf(two, 'v')) === 'Ready')
    await until('the answers', () => counts().writes - before === 2)
    await until('no trouble', () => agent.cluster.check().warnings.length === 0 && agent.snapshot?.problems.length === 0)
  })

  await t.test('watches end by their time and go on; a server that is stopped is noticed', async (t) => {
    const other = await startAgent(t, credentials, { times: { watchSeconds: 1, graceMs: 300 }, timeoutMs: 1_000 })
    await other.synced()
    const state = () => other.cluster.states()[0] ?? t.bailout('no watch') as never
    await until('some watches', () => state().watches >= 3)
    t.match(state(), { lists: 1, failures: 0, hangs: 0 })
    server.signal('SIGSTOP')
    await until('the trouble', () => state().trouble !== null)
    t.match(state().trouble, { reason: 'ApiServerUnavailable' })
    t.equal(other.snapshot?.volumes.length, agent.snapshot?.volumes.length)
    server.signal('SIGCONT')
    await until('the end of it', () => state().trouble === null)
    const vm = await startVm(server, 'seen-later')
    await vm.controller.plug({ name: 'v' })
    await until('what happens then', () => other.volume(vm.vm, 'v'))
    await other.cluster.source.close()
  })

  await t.test('recreated under its name; old versions forgotten while the server was away', async (t) => {
    const vm = await startVm(server, 'phoenix')
    await readyVolume(server, agent, vm, 'v')
    const second = await startAgent(t, credentials)
    await second.synced()
    await server.delete(vm.made)
    const again = await startVm(server, 'phoenix')
    await attachVolume(server, again, 'v')
    await until('the new wish', () => second.volume(again.vm, 'v')?.token === again.made.metadata.uid && blockOf(second, again.vm, 'v') === null)
    t.not(again.made.metadata.uid, vm.made.metadata.uid)
    await server.compact()
    await server.restart()
    await readyVolume(server, second, await startVm(server, 'later'), 'v')
    t.equal(second.volume(again.vm, 'v')?.token, again.made.metadata.uid)
  })
})

async function withRules(t: Test, rules: readonly object[], test: (agent: Agent) => Promise<void>): Promise<void> {
  const server = await startApiServer(t)
  await installKubeVirtCrds(server, { vmiStatusSubresource: true })
  await makeAgentAccount(server, rules)
  const { credentials } = await serviceAccount(t, server)
  await test(await startAgent(t, credentials))
}

t.test('without the right to read pods: not ready, and it says what is missing', async (t) => {
  await withRules(t, [{ apiGroups: ['kubevirt.io'], resources: ['virtualmachineinstances'], verbs: ['list', 'watch'] }], async (agent) => {
    const check = await until('the trouble', () => (/pods is forbidden/.test(agent.cluster.check().message) ? agent.cluster.check() : null))
    t.match(check, { ok: false, message: /pods.* not read yet: .*answered 403: pods is forbidden/ })
    await until('the problem', () => agent.snapshot?.problems.some(({ reason }) => reason === 'ApiForbidden'))
    t.equal(agent.snapshot?.synced, false)
    t.same(agent.snapshot?.volumes, [])
  })
})

t.test('with a status subresource, found out by discovery; events forbidden', async (t) => {
  const server = await startApiServer(t)
  await installKubeVirtCrds(server, { vmiStatusSubresource: true })
  const rules = [
    { apiGroups: ['kubevirt.io'], resources: ['virtualmachineinstances', 'kubevirts'], verbs: ['get', 'list', 'watch'] },
    { apiGroups: ['kubevirt.io'], resources: ['virtualmachineinstances/status'], verbs: ['patch'] },
    { apiGroups: [''], resources: ['pods'], verbs: ['list', 'watch'] },
  ]
  await makeAgentAccount(server, rules)
  const { credentials } = await serviceAccount(t, server)
  const agent = await startAgent(t, credentials, { gateTimes: { pollMs: 50 } })
  await agent.synced()
  const vm = await startVm(server, 'sub')
  await readyVolume(server, agent, vm, 'v')
  await until('the Event to be given up', () => agent.cluster.sink.counts().eventsDropped === 1)
  t.match(agent.cluster.sink.counts(), { writes: 1, failures: 0, events: 0 })

  const gate = { apiVersion: 'kubevirt.io/v1', kind: 'KubeVirt', metadata: { name: 'kubevirt', namespace: 'default' } }
  const made = await server.create({ ...gate, spec: { configuration: { developerConfiguration: { featureGates: [] } } } })
  await server.patch(made, { status: { phase: 'Deployed', observedKubeVirtVersion: 'v1.8.0' } }).catch(() => undefined)
  await server.patchStatus(made, { status: { phase: 'Deployed', observedKubeVirtVersion: 'v1.8.0' } }).catch(() => undefined)
  await vm.controller.plug({ name: 'w' })
  await until('the gate to be off', () => blockOf(agent, vm.vm, 'w') === 'FeatureGateOff')
  await server.patch(made, { spec: { configuration: { developerConfiguration: { featureGates: ['HotplugVolumes'] } } } })
  await until('the gate to be on', () => blockOf(agent, vm.vm, 'w') === 'AwaitingController')
})
