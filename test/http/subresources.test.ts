import t from 'tap'
import { HotplugError, type Reason } from '../../src/errors.ts'
import { put, startLab } from './lab.ts'

const lab = await startLab()
t.teardown(() => lab.close())

const INSTANCE = '/apis/subresources.kubevirt.io/v1/namespaces/default/virtualmachineinstances/vm1'
const MACHINE = '/apis/subresources.kubevirt.io/v1/namespaces/default/virtualmachines/vm1'
const LOCAL = { local: { path: '/dev/vg0/data' } }
const ADD = { name: 'data', disk: { disk: {} }, volumeSource: LOCAL }

t.beforeEach(() => {
  lab.agent.requests.length = 0
  lab.agent.refuseWith = null
})

t.test('an accepted request answers 202 without a body, and says when it came', async t => {
  const before = new Date().toISOString()
  const answer = await put(lab.socket, `${INSTANCE}/addvolume`, ADD)
  t.equal(answer.code, 202)
  t.equal(answer.text, '')
  t.ok(String(answer.headers['hotplugd-received-at']) >= before)
  t.same(lab.agent.requests, [{ verb: 'add', request: {
    vm: { namespace: 'default', name: 'vm1' }, persist: false, name: 'data', dryRun: false,
    disk: { serial: 'data', readonly: false, shareable: false }, source: { kind: 'local', path: '/dev/vg0/data', format: 'raw' },
  } }])
})

t.test('the path of virtualmachines persists, and every option arrives', async t => {
  const disk = { name: 'data', disk: { bus: 'scsi', readonly: true }, serial: 'AbC 1', cache: 'writeback', io: 'threads', errorPolicy: 'stop', shareable: true }
  const body = { name: 'data', disk, volumeSource: { local: { path: '/i.qcow2', format: 'qcow2' } }, dryRun: ['All'] }
  t.equal((await put(lab.socket, `${MACHINE}/addvolume`, body)).code, 202)
  t.equal((await put(lab.socket, `${MACHINE}/removevolume`, { name: 'data', dryRun: ['All'] })).code, 202)
  t.match(lab.agent.requests, [
    { verb: 'add', request: { persist: true, dryRun: true, disk: { serial: 'AbC 1', readonly: true, shareable: true, cache: 'writeback', io: 'threads', errorPolicy: 'stop' }, source: { path: '/i.qcow2', format: 'qcow2' } } },
    { verb: 'remove', request: { persist: true, dryRun: true, name: 'data', vm: { namespace: 'default', name: 'vm1' } } },
  ])
})

t.test("KubeVirt's words for parts that are missing", async t => {
  const cases: [string, unknown, string][] = [
    ['addvolume', { disk: {}, volumeSource: LOCAL }, 'AddVolumeOptions requires name to be set'],
    ['addvolume', { name: '', disk: {}, volumeSource: LOCAL }, 'AddVolumeOptions requires name to be set'],
    ['addvolume', { name: 'data', volumeSource: LOCAL }, 'AddVolumeOptions requires disk to not be nil'],
    ['addvolume', { name: 'data', disk: {} }, 'AddVolumeOptions requires VolumeSource to not be nil'],
    ['removevolume', {}, 'RemoveVolumeOptions requires name to be set'],
  ]
  for (const [verb, body, message] of cases) {
    const { code, json } = await put(lab.socket, `${INSTANCE}/${verb}`, body)
    t.match({ code, json }, { code: 400, json: { kind: 'Status', apiVersion: 'v1', status: 'Failure', reason: 'BadRequest', code: 400 } })
    t.equal(json.message, message)
  }
  t.same(lab.agent.requests, [], 'the engine was not asked')
})

t.test("KubeVirt's words for conflicts, and the exact cause and remedy beside them", async t => {
  const on = 'Operation cannot be fulfilled on virtualmachineinstance.kubevirt.io "vm1": '
  const cases: [string, Reason, number, string][] = [
    ['addvolume', 'NameTaken', 409, `${on}Unable to add volume [data] because volume with that name already exists`],
    ['addvolume', 'SourceTaken', 409, `${on}Unable to add volume source [/dev/vg0/data] because it already exists`],
    ['addvolume', 'VmNotFound', 404, 'virtualmachineinstance.kubevirt.io "vm1" not found'],
    ['addvolume', 'HotplugDisabled', 400, 'Enable DeclarativeHotplugVolumes or HotplugVolumes feature gate to use this API.'],
    ['addvolume', 'SourceInUse', 409, 'the cause'],
    ['addvolume', 'SourceMissing', 400, 'the cause'],
    ['addvolume', 'StateUnwritable', 507, 'the cause'],
    ['addvolume', 'InternalError', 500, 'the cause'],
    ['removevolume', 'NotHotplugged', 409, `${on}Unable to remove volume [data] because it is not hotpluggable`],
    ['removevolume', 'VolumeNotFound', 409, `${on}Unable to remove volume [data] because it does not exist`],
    ['removevolume', 'OwnedByManifest', 409, 'the cause'],
    ['removevolume', 'PersistRequired', 409, 'the cause'],
  ]
  for (const [verb, reason, code, message] of cases) {
    lab.agent.refuseWith = new HotplugError(reason, 'the cause', { detail: { holder: 'default/vm2' } })
    const { code: answered, json } = await put(lab.socket, `${INSTANCE}/${verb}`, verb === 'addvolume' ? ADD : { name: 'data' })
    t.same([answered, json.code, json.message], [code, code, message], reason)
    t.match(json.details.causes, [{ reason, message: 'the cause' }, { reason: 'Remedy', message: lab.agent.refuseWith.remedy }, { reason: 'Evidence', field: 'holder', message: 'default/vm2' }])
  }
  lab.agent.refuseWith = new HotplugError('VmNotFound', 'x')
  t.equal((await put(lab.socket, `${MACHINE}/addvolume`, ADD)).json.message, 'virtualmachine.kubevirt.io "vm1" not found')
})

t.test('libvirt away: 503, and when to come again', async t => {
  lab.agent.refuseWith = new HotplugError('LibvirtUnavailable', 'no connection')
  const { code, headers, json } = await put(lab.socket, `${INSTANCE}/addvolume`, ADD)
  t.match({ code, headers, json }, { code: 503, headers: { 'retry-after': '1' }, json: { reason: 'ServiceUnavailable', details: { retryAfterSeconds: 1 } } })
})

t.test('bad bodies: the field is named, and nothing reaches the engine', async t => {
  const cases: [object, RegExp, string?][] = [
    [{ ...ADD, nmae: 'x' }, /unknown field: AddVolumeOptions\.nmae \(did you mean name\?\)/],
    [{ ...ADD, disk: { diks: {}, foo: 1 } }, /unknown fields: disk\.diks \(did you mean disk\?\), disk\.foo/],
    [{ ...ADD, disk: { disk: { buss: 'scsi' } } }, /disk\.disk\.buss/],
    [{ ...ADD, disk: { disk: { bus: 'virtio' } } }, /disk\.disk\.bus: found 'virtio', allowed: scsi/, 'UnsupportedBus'],
    [{ ...ADD, disk: { lun: {} } }, /disk\.lun is not supported/, 'UnsupportedDisk'],
    [{ ...ADD, disk: { cdrom: {} } }, /disk\.cdrom is not supported/, 'UnsupportedDisk'],
    [{ ...ADD, disk: { bootOrder: 1 } }, /disk\.bootOrder is not supported/, 'UnsupportedDisk'],
    [{ ...ADD, disk: { disk: { pciAddress: '0' } } }, /pciAddress is not supported/, 'UnsupportedDisk'],
    [{ ...ADD, disk: { name: 'other' } }, /disk\.name must be the volume's name 'data'/],
    [{ ...ADD, disk: { cache: 'unsafe' } }, /disk\.cache: found 'unsafe', allowed: none, writethrough, writeback/],
    [{ ...ADD, disk: { shareable: 'yes' } }, /disk\.shareable must be true or false, found a string/],
    [{ ...ADD, disk: { serial: 7 } }, /disk\.serial must be a string, found a number/],
    [{ ...ADD, disk: [] }, /disk must be an object, found a list/],
    [{ ...ADD, name: {} }, /AddVolumeOptions\.name must be a string, found an object/],
    [{ ...ADD, dryRun: ['Some'] }, /dryRun must be a list that holds only "All"/],
    [{ ...ADD, dryRun: 'All' }, /dryRun must be a list/],
    [{ ...ADD, volumeSource: {} }, /volumeSource\.local is required/],
    [{ ...ADD, volumeSource: { persistentVolumeClaim: { claimName: 'x' } } }, /persistentVolumeClaim is not supported on a host without Kubernetes/],
    [{ ...ADD, volumeSource: { local: {} } }, /volumeSource\.local\.path is required/],
    [{ ...ADD, volumeSource: { local: { path: 'dev/x' } } }, /must be an absolute path/],
    [{ ...ADD, volumeSource: { local: { path: '/a\0b' } } }, /must be an absolute path/],
    [{ ...ADD, volumeSource: { local: { path: `/${'x'.repeat(5000)}` } } }, /at most 4095 bytes/],
    [{ ...ADD, volumeSource: { local: { path: '/x', format: 'vmdk' } } }, /format: found 'vmdk', allowed: raw, qcow2/],
  ]
  for (const [body, message, reason = 'InvalidRequest'] of cases) {
    const { code, json } = await put(lab.socket, `${INSTANCE}/addvolume`, body)
    t.match({ code, json }, { code: 400, json: { message, details: { causes: [{ reason }, { reason: 'Remedy' }] } } }, message.source)
  }
  for (const body of [[], 'x', 5, null]) t.equal((await put(lab.socket, `${INSTANCE}/addvolume`, body)).code, 400, JSON.stringify(body))
  t.same(lab.agent.requests, [])
})

t.test('a namespace that hotplugd was not given', async t => {
  const answer = await put(lab.socket, INSTANCE.replace('default', 'kube') + '/addvolume', ADD)
  t.match(answer, { code: 404, json: { message: 'namespace "kube" is not known; known: default, lab', details: { causes: [{ reason: 'UnknownNamespace' }] } } })
})

t.test('names of libvirt that need escaping', async t => {
  const name = 'wéird name?%&#'
  t.equal((await put(lab.socket, `/apis/subresources.kubevirt.io/v1/namespaces/default/virtualmachines/${encodeURIComponent(name)}/removevolume`, { name: 'a' })).code, 202)
  t.match(lab.agent.requests, [{ request: { vm: { name } } }])
})
