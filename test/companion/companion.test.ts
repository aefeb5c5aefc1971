import t, { type Test } from 'tap'
import { History } from '../../src/agent/history.ts'
import { WatchHub } from '../../src/agent/watch-hub.ts'
import { Companion } from '../../src/companion/companion.ts'
import { CompanionApi } from '../../src/companion/companion-api.ts'
import { readingOnly } from '../../src/companion/domains-reader.ts'
import { codeOf } from '../../src/http/objects/reason-codes.ts'
import { HotplugError } from '../../src/errors.ts'
import type { VmKey } from '../../src/model/ids.ts'
import type { ObservedVmi } from '../../src/model/observed.ts'
import type { LauncherViews } from '../../src/ports/launcher-views.ts'
import type { ObservedVmis } from '../../src/ports/observed-vmis.ts'
import { FakeDomains, systemClock } from '../agent/fakes.ts'
import { until } from '../support/wait.ts'
import { hotplugDisk, observed } from './sightings.ts'

const VM = 'default/vmi1' as VmKey
const REF = { namespace: 'default', name: 'vmi1' }

class FakeVmis implements ObservedVmis {
  readonly vmis = new Map<VmKey, ObservedVmi>()
  isSynced = true
  why: HotplugError | null = null
  #listener: (vm: VmKey | null) => void = () => {}
  all = () => (this.isSynced ? [...this.vmis.values()] : null)
  find = (vm: VmKey) => this.vmis.get(vm) ?? null
  trouble = () => this.why
  watch(listener: (vm: VmKey | null) => void): () => void {
    this.#listener = listener
    return () => (this.#listener = () => {})
  }
  put(vmi: ObservedVmi): void {
    this.vmis.set(vmi.vm, vmi)
    this.#listener(vmi.vm)
  }
  remove(vm: VmKey): void {
    this.vmis.delete(vm)
    this.#listener(vm)
  }
}

class FakeViews implements LauncherViews {
  exposedNow: readonly string[] | null = []
  readonly watched = new Map<string, () => void>()
  exposed = async () => (this.exposedNow === null ? null : new Set(this.exposedNow))
  watch(podUid: string, listener: () => void): () => void {
    this.watched.set(podUid, listener)
    return () => this.watched.delete(podUid)
  }
  touch(): void {
    for (const listener of this.watched.values()) listener()
  }
}

function scene(t: Test, first = 'vmi-add-b1-01-noentry') {
  const [vmis, views, domains, hub, history] = [new FakeVmis(), new FakeViews(), new FakeDomains(), new WatchHub(), new History(systemClock)]
  domains.addDomain(VM)
  vmis.put(observed(first))
  const passed: string[] = []
  const phases: (string | null)[] = []
  const observer = {
    phaseChanged: ({ key, status }: { key: { volume: string }; status: { phase: string | null } }) => void (key.volume === 'b1' && phases.push(status.phase)),
    stagePassed: ({ key }: { key: { volume: string } }, { name }: { name: string }) => void passed.push(`${key.volume} ${name}`),
    actEnded() {}, problem() {}, note() {}, failed() {},
  }
  const companion = new Companion({ vmis, views, clock: systemClock, observer, sinks: [hub], domains: readingOnly(domains) })
  const api = new CompanionApi({ companion, vmis, hub, history })
  t.teardown(() => companion.stop())
  companion.start()
  const b1 = () => api.vm(REF)?.volumes.find(({ name }) => name === 'b1')
  const reason = (wanted: string) => until(wanted, () => b1()?.reason === wanted)
  return { vmis, views, domains, companion, api, hub, passed, phases, b1, reason }
}

t.test('a volume is followed in and out by the events of everybody concerned', async (t) => {
  const { vmis, views, domains, api, passed, phases, b1, reason } = scene(t)
  await reason('AwaitingController')
  vmis.put(observed('vmi-add-b1-03-AttachedToNode'))
  await until('podReady', () => passed.length === 1)
  vmis.put(observed('vmi-add-b1-04-AttachedToNode'))
  await reason('AwaitingVirtHandler')
  views.exposedNow = ['b1']
  views.touch()
  await until('exposed', () => passed.includes('b1 exposed'))
  domains.setDisks(VM, [hotplugDisk('b1')])
  domains.listener?.onDiskAdded(VM, 'ua-b1')
  await until('attached', () => passed.includes('b1 attached'))
  t.match(b1(), { phase: 'Pending', target: 'sda' })
  vmis.put(observed('vmi-add-b1-06-Ready'))
  await reason('VolumeReady')
  t.same(passed, ['podReady', 'discovered', 'exposed', 'attached', 'reported'].map((stage) => `b1 ${stage}`))
  vmis.put(observed('vmi-remove-f1-01-Ready', { 'status.volumeStatus': observedEntries() }))
  await until('on its way out', () => b1()?.phase === 'Detaching')
  domains.setDisks(VM, [])
  domains.listener?.onDiskRemoved(VM, 'ua-b1')
  await until('detached', () => passed.includes('b1 detached'))
  views.exposedNow = []
  views.touch()
  await until('released', () => passed.includes('b1 released'))
  vmis.put(observed('vmi-remove-f1-04-noentry'))
  await until('nothing left', () => b1() === undefined)
  t.same(passed.slice(5), ['detached', 'released', 'reported'].map((stage) => `b1 ${stage}`))
  t.same(phases, ['Pending', 'Ready', 'Detaching', null])
  t.same(domains.calls, [], 'libvirt was asked for nothing but what it has')
  t.match(api.state(), { role: null, plan: [], vms: [{ vm: /./, launcherUid: /./, reachable: true, domain: { state: 'running' } }], operations: [], journal: [], sources: [{ origin: 'vmi', read: true }] })
})

const observedEntries = () => [{ name: 'b1', target: 'sda', phase: 'Ready', hotplugVolume: { attachPodName: 'hp-volume-4v4jp', attachPodUID: '061ea86c-9163-4a7c-a2c9-313bd1b83940' } }]

t.test('requests are refused with the role, by 409', async (t) => {
  const { api } = scene(t)
  const request = { vm: REF, name: 'x', persist: false, dryRun: false }
  for (const asked of [api.addVolume({ ...request, source: { kind: 'local', path: '/x', format: 'raw' }, disk: { serial: 'x', readonly: false, shareable: false } }), api.removeVolume(request)]) {
    const error = await asked.catch((thrown: unknown) => thrown)
    t.match(error, { reason: 'CompanionRole', message: /role of hotplugd on this node is companion/, remedy: /virtctl addvolume/ })
    t.equal(codeOf((error as HotplugError).reason), 409)
  }
})

t.test('a libvirt that is away, and comes back', async (t) => {
  const { domains, api, b1 } = scene(t, 'vmi-add-b1-06-Ready')
  await until('the first look', () => b1() !== undefined)
  const real = domains.observe
  domains.observe = () => Promise.reject(new HotplugError('LibvirtUnavailable', 'it hangs'))
  domains.listener?.onDomain(VM, 'started')
  await until('unknown', () => api.vm(REF)?.state === 'Unknown')
  t.match(api.vm(REF)?.problems, [{ reason: 'LibvirtUnavailable', message: 'it hangs' }])
  t.match(b1(), { phase: 'Ready', conditions: [{}, {}, { type: 'Attached', status: 'Unknown' }, { type: 'Ready', status: 'Unknown' }] })
  domains.setDisks(VM, [hotplugDisk('b1')])
  domains.observe = real
  await until('asked again by itself', () => api.vm(REF)?.state === 'Running')
  t.match(b1(), { phase: 'Ready', reason: 'VolumeReady' })
})

t.test('a libvirt that hangs does not hold back what the API server tells', async (t) => {
  const { domains, vmis, b1 } = scene(t)
  await until('the first look', () => b1() !== undefined)
  domains.observe = () => new Promise(() => {})
  vmis.put(observed('vmi-add-b1-02-Bound'))
  await until('the news all the same', () => /no attachment pod was made/.test(b1()?.message ?? ''))
})

t.test('whoever watches is told changes only, and when the VM is gone', async (t) => {
  const { vmis, views, hub, companion, b1, domains } = scene(t)
  const told: (string | undefined)[] = []
  hub.watch((_vm, status) => told.push(status === null ? 'gone' : status.volumes[0]?.reason))
  await until('the first look', () => b1() !== undefined)
  for (let round = 0; round < 5; round++) domains.listener?.onDomain(VM, 'nothing')
  vmis.put(observed('vmi-add-b1-04-AttachedToNode'))
  await until('news', () => told.includes('AwaitingVirtHandler'))
  t.same(new Set(told).size, told.length, 'nothing twice')
  t.equal(views.watched.size, 1)
  vmis.remove(VM)
  await until('gone', () => told.at(-1) === 'gone')
  t.same(companion.vms(), [])
  await until('no watch left', () => views.watched.size === 0)
})

t.test('another VMI of the same name is another VM', async (t) => {
  const { vmis, b1, passed, domains } = scene(t)
  await until('the first look', () => b1() !== undefined)
  vmis.put(observed('vmi-add-b1-04-AttachedToNode'))
  await until('stages', () => b1()?.stages.length === 2)
  vmis.put(observed('vmi-add-b1-01-noentry', { 'metadata.uid': 'another' }))
  await until('begun anew', () => b1()?.stages.length === 0)
  t.same(passed, ['b1 podReady', 'b1 discovered'])
  t.same(domains.calls, [])
})

t.test('ready once the VMIs were read; the API server’s troubles are warnings', async (t) => {
  const { vmis, api } = scene(t)
  t.match(api.readiness()[0], { name: 'api-server', ok: true })
  vmis.why = new HotplugError('ApiServerUnavailable', 'it is away')
  t.match(api.readiness()[0], { ok: true, warnings: ['it is away'] })
  vmis.isSynced = false
  t.match(api.readiness()[0], { ok: false, message: /not read yet: it is away/ })
  t.match(api.unread(), { reason: 'ApiServerUnavailable', message: /were not read yet: it is away/ })
  vmis.why = null
  t.equal(api.unread()?.reason, 'Synchronizing')
})
