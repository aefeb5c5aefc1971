import { request as httpRequest, type IncomingMessage } from 'node:http'
import t from 'tap'
import { vmKey } from '../../src/model/ids.ts'
import { dial, startLab, until, type Json } from './lab.ts'
import { pendingVolume, readyVolume, runningVm, VM1 } from './samples.ts'

const ALL = '/apis/kubevirt.io/v1/virtualmachineinstances?watch=true'
const VOLUME = '/apis/hotplugd.io/v1/namespaces/default/virtualmachineinstances/vm1/volumes/data?watch=true'

interface Watcher {
  readonly code: number
  readonly events: { type: string; object: Json }[]
  types(): string[]
  close(): void
}

function watch(socketPath: string, path: string): Promise<Watcher> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({ socketPath, path, agent: false }, response => resolve(collect(response, () => request.destroy())))
    request.on('error', reject)
    request.end()
  })
}

function collect(response: IncomingMessage, close: () => void): Watcher {
  const events: { type: string; object: Json }[] = []
  let rest = ''
  response.setEncoding('utf8').on('data', chunk => {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop() ?? ''
    events.push(...lines.map(line => JSON.parse(line)))
  })
  response.on('error', () => undefined)
  return { code: response.statusCode ?? 0, events, types: () => events.map(event => event.type), close }
}

t.test('all that is there, a mark, and then what changes', async t => {
  const lab = await startLab()
  t.teardown(() => lab.close())
  const vm2 = vmKey({ namespace: 'lab', name: 'vm2' })
  lab.agent.set(runningVm(VM1))
  lab.agent.set(runningVm(vm2))
  const watcher = await watch(lab.socket, ALL)
  t.teardown(() => watcher.close())
  await until('the mark', () => watcher.events.length === 3)
  t.same(watcher.types(), ['ADDED', 'ADDED', 'BOOKMARK'])
  t.equal(watcher.events[2]?.object.metadata.annotations['k8s.io/initial-events-end'], 'true')

  lab.agent.setVolume(VM1, 'data', readyVolume('data'))
  await until('the change', () => watcher.events.length === 4)
  t.match(watcher.events[3], { type: 'MODIFIED', object: { kind: 'VirtualMachineInstance', metadata: { name: 'vm1' }, status: { volumeStatus: [{ name: 'data', phase: 'Ready' }, { name: 'vda' }] } } })

  lab.agent.set(runningVm(vm2))
  lab.agent.drop(VM1)
  await until('the end of vm1', () => watcher.events.length === 5)
  t.match(watcher.events[4], { type: 'DELETED', object: { metadata: { name: 'vm1', namespace: 'default' } } }, 'and what did not change was not told')

  lab.agent.set({ ...runningVm(vm2), uid: 'another' })
  await until('vm2 replaced', () => watcher.events.length === 7)
  t.match(watcher.events.slice(5), [{ type: 'DELETED', object: { metadata: { name: 'vm2' } } }, { type: 'ADDED', object: { metadata: { uid: 'another' } } }])
  t.equal(lab.agent.watchers, 1)
  watcher.close()
  await until('the engine is left alone', () => lab.agent.watchers === 0)
})

t.test('one namespace, one VM, one volume', async t => {
  const lab = await startLab()
  t.teardown(() => lab.close())
  lab.agent.set(runningVm(VM1))
  lab.agent.set(runningVm(vmKey({ namespace: 'lab', name: 'vm2' })))
  lab.agent.set(runningVm(vmKey({ namespace: 'default', name: 'vm3' })))
  const ofNamespace = '/apis/kubevirt.io/v1/namespaces/default/virtualmachineinstances?watch=1'
  const [namespace, vm, volume] = await Promise.all([ofNamespace, `${ofNamespace}&fieldSelector=metadata.name%3Dvm3`, VOLUME].map(path => watch(lab.socket, path)))
  if (namespace === undefined || vm === undefined || volume === undefined) return t.fail()
  await until('the marks', () => [namespace, vm, volume].every(watcher => watcher.types().includes('BOOKMARK')))
  t.same([namespace, vm, volume].map(watcher => watcher.events.length), [3, 2, 1])

  lab.agent.setVolume(VM1, 'data', pendingVolume('data', 'Plugging'))
  await until('the volume is there', () => volume.events.length === 2)
  lab.agent.setVolume(VM1, 'other', readyVolume('other'))
  lab.agent.setVolume(VM1, 'data', readyVolume('data'))
  await until('the volume is ready', () => volume.events.length === 3)
  lab.agent.setVolume(VM1, 'data', null)
  await until('the volume is gone', () => volume.events.length === 4)
  t.same(volume.types(), ['BOOKMARK', 'ADDED', 'MODIFIED', 'DELETED'])
  t.match(volume.events[2]?.object, { kind: 'Volume', vm: 'vm1', name: 'data', phase: 'Ready' })
  t.equal(vm.events.length, 2)
})

t.test('watches of a VM that is not there wait for it', async t => {
  const lab = await startLab()
  t.teardown(() => lab.close())
  const volume = await watch(lab.socket, VOLUME)
  await until('the mark', () => volume.events.length === 1)
  lab.agent.set(runningVm(VM1, readyVolume('data')))
  await until('the volume', () => volume.types()[1] === 'ADDED')
  t.equal((await watch(lab.socket, VOLUME.replace('default', 'nope'))).code, 404)
})

t.test('a watcher that never reads is cut, holds no memory, and hurts nobody', async t => {
  const lab = await startLab({ limits: { watchStallMs: 300 } })
  t.teardown(() => lab.close())
  const many = Array.from({ length: 256 }, (_, index) => readyVolume(`v${index}`))
  lab.agent.set(runningVm(VM1, ...many))
  const deaf = await dial(lab.socket)
  deaf.pause().write(`GET ${ALL} HTTP/1.1\r\nHost: x\r\n\r\n`)
  const reader = await watch(lab.socket, ALL)
  await until('both watch', () => lab.agent.watchers === 2)
  let round = 0
  await until('the deaf one is cut', () => {
    lab.agent.setVolume(VM1, 'v0', readyVolume('v0', new Date(++round).toISOString()))
    return lab.agent.watchers === 1
  })
  lab.agent.setVolume(VM1, 'v0', { ...readyVolume('v0'), message: 'the last' })
  await until('the other sees the last state', () => reader.events.at(-1)?.object.status.volumeStatus.some((volume: Json) => volume.message === 'the last'))
  deaf.destroy()
  reader.close()
})

t.test('the number of watches is bounded', async t => {
  const lab = await startLab({ limits: { watchesPerUser: 2 } })
  t.teardown(() => lab.close())
  const [one] = await Promise.all([watch(lab.socket, ALL), watch(lab.socket, ALL)])
  t.equal((await watch(lab.socket, ALL)).code, 429)
  one.close()
  await until('a place is free', async () => (await watch(lab.socket, ALL)).code === 200)
})

t.test('closing the server ends the watches', async t => {
  const lab = await startLab()
  const watcher = await watch(lab.socket, ALL)
  await until('the mark', () => watcher.events.length === 1)
  await lab.close()
  t.equal(lab.agent.watchers, 0)
})
