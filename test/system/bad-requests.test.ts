import { request } from 'node:http'
import t from 'tap'
import { makeImage, plug, startScene, unplug } from './user-scene.ts'

const { daemon, host } = await startScene(t)
const image = await makeImage(t)
const ADD = '/apis/subresources.kubevirt.io/v1/namespaces/default/virtualmachineinstances/vm1/addvolume'
const REMOVE = ADD.replace('addvolume', 'removevolume')
const VALID = { name: 'data', disk: { disk: { bus: 'scsi' } }, volumeSource: { local: { path: image } } }

/** A body that may be no JSON at all. */
const putRaw = (body: string, type: string): Promise<{ status: number; body: unknown }> =>
  new Promise((resolve, reject) => {
    const outgoing = request({ socketPath: daemon.socket, method: 'PUT', path: ADD, headers: { 'content-type': type } }, (answer) => {
      let text = ''
      answer.on('data', (chunk: Buffer) => (text += chunk))
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body: JSON.parse(text) as unknown }))
    })
    outgoing.on('error', reject)
    outgoing.end(body)
  })

const BODIES: Readonly<Record<string, readonly [object, string | RegExp, string?]>> = {
  'an unknown field': [{ ...VALID, dsik: {} }, 'unknown field: AddVolumeOptions.dsik (did you mean disk?)'],
  'an unknown field further down': [{ ...VALID, volumeSource: { local: { path: image, fromat: 'raw' } } }, 'unknown field: volumeSource.local.fromat (did you mean format?)'],
  'no name': [{ ...VALID, name: undefined }, 'AddVolumeOptions requires name to be set'],
  'no disk': [{ ...VALID, disk: undefined }, 'AddVolumeOptions requires disk to not be nil'],
  'no source': [{ ...VALID, volumeSource: undefined }, 'AddVolumeOptions requires VolumeSource to not be nil'],
  'a claim': [{ ...VALID, volumeSource: { persistentVolumeClaim: { claimName: 'x' } } }, /not supported on a host without Kubernetes/],
  'another bus': [{ ...VALID, disk: { disk: { bus: 'virtio' } } }, "disk.disk.bus: found 'virtio', allowed: scsi", 'UnsupportedBus'],
  'sata': [{ ...VALID, disk: { disk: { bus: 'sata' } } }, "disk.disk.bus: found 'sata', allowed: scsi", 'UnsupportedBus'],
  'lun': [{ ...VALID, disk: { lun: { bus: 'scsi' } } }, 'disk.lun is not supported for a hot-plugged volume', 'UnsupportedDisk'],
  'cdrom': [{ ...VALID, disk: { cdrom: { bus: 'scsi' } } }, 'disk.cdrom is not supported for a hot-plugged volume', 'UnsupportedDisk'],
  'an unknown cache mode': [{ ...VALID, disk: { disk: {}, cache: 'unsafe' } }, "disk.cache: found 'unsafe', allowed: none, writethrough, writeback"],
  'native I/O with a cache': [{ ...VALID, disk: { disk: {}, io: 'native', cache: 'writeback' } }, 'io native needs cache none, found cache writeback'],
  'an unknown format': [{ ...VALID, volumeSource: { local: { path: image, format: 'vmdk' } } }, "volumeSource.local.format: found 'vmdk', allowed: raw, qcow2"],
  'a shared qcow2': [{ ...VALID, disk: { disk: {}, shareable: true }, volumeSource: { local: { path: image, format: 'qcow2' } } }, 'a qcow2 image cannot be shareable, only raw sources can'],
  'text where true or false is due': [{ ...VALID, disk: { disk: { readonly: 'yes' } } }, 'disk.disk.readonly must be true or false, found a string'],
}
for (const [what, [body, message, reason = 'InvalidRequest']] of Object.entries(BODIES)) {
  t.test(`${what} is refused`, async (t) => {
    t.match(await daemon.call('PUT', ADD, body), { status: 400, body: { kind: 'Status', status: 'Failure', reason: 'BadRequest', message, details: { causes: [{ reason }, { reason: 'Remedy' }] } } })
  })
}

t.test('a body that is too large, of another type, no JSON, or none', async (t) => {
  t.match(await putRaw(JSON.stringify({ ...VALID, pad: 'x'.repeat(70_000) }), 'application/json'), { status: 413, body: { kind: 'Status', reason: 'RequestEntityTooLarge', details: { causes: [{}, { message: /^Send at most 65536 bytes/ }] } } })
  t.match(await putRaw('name=data', 'application/x-www-form-urlencoded'), { status: 415, body: { kind: 'Status', reason: 'UnsupportedMediaType', details: { causes: [{}, { message: /application\/json/ }] } } })
  t.match(await putRaw('{"name": ', 'application/json'), { status: 400, body: { kind: 'Status' } })
  t.match(await putRaw('', 'application/json'), { status: 400, body: { kind: 'Status' } })
  t.match(await putRaw('[]', 'application/json'), { status: 400, body: { message: 'AddVolumeOptions must be an object, found a list' } })
})

t.test('unknown namespace, VM and volume', async (t) => {
  t.match(await daemon.add('other/vm1', 'data', image), { status: 404, body: { details: { causes: [{ reason: 'UnknownNamespace', message: 'namespace "other" is not known; known: default' }] } } })
  t.match(await daemon.remove('vm1', 'nothing'), { status: 409, body: { message: /Unable to remove volume \[nothing\] because it does not exist/, details: { causes: [{ reason: 'VolumeNotFound' }] } } })
  t.match(await daemon.call('PUT', REMOVE, {}), { status: 400, body: { message: 'RemoveVolumeOptions requires name to be set' } })
  t.match(await daemon.call('GET', '/nothing/here'), { status: 404, body: { kind: 'Status' } })
})

t.test('a name that is taken, a source that is taken', async (t) => {
  await plug(daemon, 'vm1', 'data', image)
  const named = 'Operation cannot be fulfilled on virtualmachineinstance.kubevirt.io "vm1"'
  t.match(await daemon.add('vm1', 'data', await makeImage(t)), { status: 409, body: { message: `${named}: Unable to add volume [data] because volume with that name already exists` } })
  t.match(await daemon.add('vm1', 'other', image), { status: 409, body: { message: `${named}: Unable to add volume source [${image}] because it already exists` } })
  await unplug(daemon, 'vm1', 'data')
})

t.test('a disk that was not hot-plugged is not removed', async (t) => {
  await host.virsh('attach-disk', 'vm1', image, 'sdx', '--live', '--targetbus', 'scsi', '--driver', 'qemu')
  const listed = await daemon.ctl('get', 'volumes', 'vm1')
  t.match(listed.stdout, /\nsdx +- +sdx /)
  t.match(await daemon.remove('vm1', 'sdx'), { status: 409, body: { message: /Unable to remove volume \[sdx\] because it is not hotpluggable/, details: { causes: [{ reason: 'NotHotplugged' }] } } })
  t.match(await daemon.ctl('removevolume', 'vm1', '--volume-name=sdx'), { exitCode: 1, stderr: 'error: sdx of default/vm1 was not hot-plugged (NotHotplugged)\n  remedy: ' })
  t.match(await daemon.ctl('explain', 'vm1', 'sdx'), { stdout: 'sdx is an ordinary disk of default/vm1 (sdx).\n' })
  t.match(await host.virsh('domblklist', 'vm1'), /sdx/)
  t.match(await daemon.add('vm1', 'sdx', await makeImage(t)), { status: 409 })
  await host.virsh('detach-disk', 'vm1', 'sdx', '--live')
})

const LINES: Readonly<Record<string, readonly [readonly string[], number, string | RegExp]>> = {
  'no command': [[], 2, 'error: no command was given\n  remedy: Read: hotplugctl help\n'],
  'a mistyped command': [['addvolum'], 2, "error: unknown command 'addvolum' (did you mean addvolume?)"],
  'a mistyped flag': [['addvolume', 'vm1', '--volume-nam=x'], 2, 'error: unknown flag --volume-nam (did you mean --volume-name?)\n  remedy: Read: hotplugctl help addvolume\n'],
  'no VM': [['addvolume', '--volume-name=x', '--source=/x'], 2, 'error: addvolume needs the VM'],
  'no name': [['addvolume', 'vm1', '--source=/x'], 2, 'error: addvolume needs --volume-name=NAME'],
  'no source': [['addvolume', 'vm1', '--volume-name=x'], 2, 'error: addvolume needs --source=PATH'],
  'a wrong word': [['addvolume', 'vm1', '--volume-name=x', '--source=/x', '--cache=none1'], 2, "error: flag --cache found 'none1' (did you mean none?), allowed: none, writethrough, writeback"],
  'a relative path': [['addvolume', 'vm1', '--volume-name=x', '--source=disk.img'], 2, "error: flag --source: found 'disk.img', allowed: an absolute path\n  remedy: Read: hotplugctl help addvolume\n"],
  'lun': [['addvolume', 'vm1', '--volume-name=x', `--source=${image}`, '--disk-type=lun'], 1, 'error: disk.lun is not supported for a hot-plugged volume (UnsupportedDisk)\n  remedy: Use disk: {}; lun, cdrom and floppy are not supported.'],
  'another bus': [['addvolume', 'vm1', '--volume-name=x', `--source=${image}`, '--bus=virtio'], 1, '(UnsupportedBus)\n  remedy: Use bus: scsi;'],
  'an unknown volume': [['explain', 'vm1', 'nothing'], 3, 'error: default/vm1 has no volume "nothing"; it has: none (VolumeNotFound)'],
  'an unknown VM': [['get', 'volumes', 'nobody'], 3, 'error: there is no domain "nobody" in namespace default (VmNotFound)'],
  'an unknown kind': [['get', 'volume1'], 2, "error: get: unknown kind 'volume1' (did you mean volumes?)"],
  'an unknown output': [['get', 'vmis', '-o', 'jsn'], 2, "found 'jsn' (did you mean json?)"],
}
for (const [what, [line, exitCode, stderr]] of Object.entries(LINES)) {
  t.test(`hotplugctl with ${what}`, async (t) => {
    t.match(await daemon.ctl(...line), { exitCode, stdout: '', stderr })
  })
}

t.test('a daemon that is not there', async (t) => {
  const nowhere = `${daemon.directories.base}/nowhere.sock`
  t.match(await daemon.ctl('get', 'vmis', `--socket=${nowhere}`), { exitCode: 5, stderr: `error: hotplugd cannot be reached at ${nowhere}: connect ENOENT ${nowhere}\n  remedy: Start hotplugd, or name its socket with --socket or HOTPLUGD_SOCKET.\n` })
})

t.test('nothing was half-done by any of them', async (t) => {
  t.same(await daemon.volumes('vm1'), [])
})
