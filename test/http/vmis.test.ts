import t from 'tap'
import { NO_STATE } from '../../src/agent/engine-state.ts'
import { vmKey } from '../../src/model/ids.ts'
import { call, startLab, type Json } from './lab.ts'
import { pendingVolume, readyVolume, runningVm, VM1 } from './samples.ts'

const lab = await startLab()
t.teardown(() => lab.close())

const VM2 = vmKey({ namespace: 'lab', name: 'vm2' })
lab.agent.set(runningVm(VM1, readyVolume('data'), pendingVolume('aaa', 'SourceMissing')))
lab.agent.set({ vm: VM2, uid: null, state: 'NotFound', volumes: [], problems: [{ reason: 'VmNotFound', message: 'no such domain' }, { reason: 'ManifestInvalid', message: 'a.yaml:1:2' }] })

const OF_DEFAULT = '/apis/kubevirt.io/v1/namespaces/default/virtualmachineinstances'

t.test('lists of all namespaces and of one', async t => {
  const all = await call(lab.socket, '/apis/kubevirt.io/v1/virtualmachineinstances')
  t.match(all.json, { kind: 'VirtualMachineInstanceList', apiVersion: 'kubevirt.io/v1', items: [{ metadata: { name: 'vm1' } }, { metadata: { name: 'vm2' } }] })
  t.same((await call(lab.socket, OF_DEFAULT)).json.items.map((item: Json) => item.metadata.name), ['vm1'])
  t.same((await call(lab.socket, `${OF_DEFAULT}?fieldSelector=metadata.name%3Dvm1`)).json.items.length, 1)
  t.same((await call(lab.socket, `${OF_DEFAULT}?fieldSelector=metadata.name%3Dvm9`)).json.items, [])
  t.match(await call(lab.socket, `${OF_DEFAULT}?fieldSelector=status.phase%3DRunning`), { code: 400, json: { message: /only metadata\.name=NAME/ } })
  t.match(await call(lab.socket, '/apis/kubevirt.io/v1/namespaces/nope/virtualmachineinstances'), { code: 404, json: { details: { causes: [{ reason: 'UnknownNamespace' }] } } })
})

t.test('one VM has the shape of KubeVirt', async t => {
  const { code, json } = await call(lab.socket, `${OF_DEFAULT}/vm1`)
  t.equal(code, 200)
  t.match(json, { kind: 'VirtualMachineInstance', apiVersion: 'kubevirt.io/v1', metadata: { name: 'vm1', namespace: 'default', uid: /^1111/ }, status: { phase: 'Running', printableStatus: 'Running' } })
  t.same(json.spec.volumes.map((volume: Json) => volume.name).sort(), ['aaa', 'data'])
  const disk = json.spec.domain.devices.disks.find((disk: Json) => disk.name === 'data')
  t.same(disk, { name: 'data', disk: { bus: 'scsi', readonly: false }, serial: 'data', shareable: false, cache: 'none' })
})

t.test('volumeStatus: sorted, one entry per disk, failures with their remedy', async t => {
  const { json } = await call(lab.socket, `${OF_DEFAULT}/vm1`)
  const [aaa, data, root] = json.status.volumeStatus
  t.equal(json.status.volumeStatus.length, 3)
  t.same(root, { name: 'vda', target: 'vda', source: '/images/root.img' }, 'an ordinary disk has neither phase nor conditions')
  t.match(data, { name: 'data', target: 'sda', phase: 'Ready', reason: 'VolumeReady', hotplugVolume: {}, size: 67_108_864, serial: 'data', source: '/dev/vg0/data', origin: 'request', persisted: false })
  t.same(data.stages.map((stage: Json) => stage.name), ['discovered', 'exposed', 'attached', 'reported'])
  t.match(data.conditions[1], { type: 'Ready', status: 'True', lastTransitionTime: /Z$/ })
  t.equal(data.remedy, undefined)
  t.match(aaa, { name: 'aaa', target: '', phase: 'Pending', reason: 'SourceMissing', remedy: /^Create the device/ })
})

t.test('a VM that is wanted and not there says so', async t => {
  const { json } = await call(lab.socket, '/apis/kubevirt.io/v1/namespaces/lab/virtualmachineinstances/vm2')
  t.match(json.status, { phase: 'Pending', printableStatus: 'NotFound', conditions: [{ type: 'Synchronized', status: 'False', reason: 'VmNotFound', message: 'no such domain; a.yaml:1:2' }] })
  t.equal(json.metadata.uid, undefined)
})

t.test('unknown VMs and volumes', async t => {
  t.match(await call(lab.socket, `${OF_DEFAULT}/vm9`), { code: 404, json: { message: 'virtualmachineinstance.kubevirt.io "vm9" not found', reason: 'NotFound', details: { causes: [{ reason: 'VmNotFound', message: /no domain "vm9" in namespace default/ }] } } })
  const volumes = '/apis/hotplugd.io/v1/namespaces/default/virtualmachineinstances/vm1/volumes'
  t.match(await call(lab.socket, `${volumes}/nope`), { code: 404, json: { message: /default\/vm1 has no volume "nope"; it has: .*data/, details: { causes: [{ reason: 'VolumeNotFound' }] } } })
  t.match(await call(lab.socket, `${volumes}/nope/explain`), { code: 404 })
  t.match(await call(lab.socket, volumes.replace('vm1', 'vm9')), { code: 404, json: { details: { causes: [{ reason: 'VmNotFound' }] } } })
})

t.test('volumes one by one, and explained', async t => {
  const volumes = '/apis/hotplugd.io/v1/namespaces/default/virtualmachineinstances/vm1/volumes'
  t.match((await call(lab.socket, volumes)).json, { kind: 'VolumeList', items: { length: 3 } })
  t.match((await call(lab.socket, `${volumes}/data`)).json, { kind: 'Volume', vm: 'vm1', name: 'data', phase: 'Ready' })
  lab.agent.explanation = { vm: VM1, volume: 'data', summary: 'data is in the guest as sda', phase: 'Ready', reason: 'VolumeReady', message: '', remedy: '', since: null, wanted: 'x', reached: 'reported', evidence: {}, next: '', attempts: 1, besides: [] }
  t.match((await call(lab.socket, `${volumes}/data/explain`)).json, { kind: 'Explanation', summary: 'data is in the guest as sda', attempts: 1 })
})

t.test('the engine as JSON, the version, and what is not there', async t => {
  t.same(Object.keys((await call(lab.socket, '/debug/state')).json), Object.keys(NO_STATE))
  t.match((await call(lab.socket, '/version')).json, { gitVersion: 'v1.2.3', nodeVersion: process.version })
  t.match(await call(lab.socket, '/nope'), { code: 404, json: { kind: 'Status', message: 'there is nothing at GET /nope' } })
  t.match(await call(lab.socket, '/livez', { method: 'DELETE' }), { code: 404, json: { kind: 'Status' } })
  t.match(await call(lab.socket, '/apis/kubevirt.io/v1/namespaces/default/virtualmachineinstances/%zz'), { code: 400, json: { kind: 'Status' } })
})
