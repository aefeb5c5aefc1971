import { join } from 'node:path'
import t from 'tap'
import { startGuest, startPausedDomain, until } from '../support/lab.ts'
import { deleteManifest, writeManifest } from './manifest.ts'
import { ctl, diskXml, makeDirectory, makeFile, MIB, plug, startScene, unplug } from './user-scene.ts'

const { host, guest, daemon } = await startScene(t)
const directory = await makeDirectory(t)
const image = (name: string): Promise<string> => makeFile(join(directory, name), MIB)

const inBoth = async (vm: string, volume: string): Promise<boolean[]> =>
  Promise.all([diskXml(host, vm, volume), diskXml(host, vm, volume, '--inactive')]).then((disks) => disks.map((disk) => disk !== null))
const untilDefined = (vm: string, volume: string, isDefined: boolean): Promise<boolean> =>
  until(`${volume} to be ${isDefined ? 'in' : 'out of'} the definition`, async () => ((await diskXml(host, vm, volume, '--inactive')) !== null) === isDefined)

t.test('a running VM: at once, and in its definition at the same place', async (t) => {
  t.match(await plug(daemon, 'vm1', 'data', await image('data'), '--persist', '--serial=KEPT'), { persisted: true, target: 'sda' })
  t.same(await inBoth('vm1', 'data'), [true, true])
  const placeOf = (xml: string | null) => xml?.match(/<target.*|<address.*|<serial.*/g)?.sort()
  t.same(placeOf(await diskXml(host, 'vm1', 'data')), placeOf(await diskXml(host, 'vm1', 'data', '--inactive')))
  await guest.waitForDisks(['KEPT'])
})

t.test('without the flag its removal is refused, naming the flag', async (t) => {
  t.match(await daemon.remove('vm1', 'data'), { status: 409, body: { message: /remove it with --persist/, details: { causes: [{ reason: 'PersistRequired' }] } } })
  t.match(await daemon.ctl('removevolume', 'vm1', '--volume-name=data'), { exitCode: 1, stderr: /^error: .* \(PersistRequired\)\n {2}remedy: Say --persist/ })
  t.same(await inBoth('vm1', 'data'), [true, true])
})

t.test('after a restart of the VM it is one of its ordinary disks, and still listed', async (t) => {
  await guest.poweroff()
  t.match(await daemon.reason('vm1', 'data', 'VmNotRunning'), { phase: 'Pending', persisted: true })
  await guest.start()
  await guest.waitForDisks(['KEPT'])
  const volume = await daemon.reason('vm1', 'data', 'VolumeReady')
  t.match(volume, { target: 'sda', serial: 'KEPT', persisted: true, origin: 'request', message: /came up with the VM/ })
  t.notOk(volume.hotplugVolume, 'it no longer counts as hot-plugged')
  t.equal(volume.phase, undefined)
  t.match(await ctl(daemon, 'explain', 'vm1', 'data'), /^data is an ordinary disk of default\/vm1 \(sda\), persisted by hotplugd\.\n/)
  t.match(await ctl(daemon, 'get', 'volumes', 'vm1'), /\ndata +- +sda +KEPT +1Mi/)
})

t.test('a hot-plugged one finds its place beside it', async (t) => {
  t.match(await plug(daemon, 'vm1', 'other', await image('other')), { target: 'sdb' })
  await guest.waitForDisks(['KEPT', 'other'])
  await unplug(daemon, 'vm1', 'other')
})

t.test('with the flag it goes out of both, after that restart too', async (t) => {
  t.match(await daemon.remove('vm1', 'data'), { status: 409, body: { message: /remove it with --persist/ } })
  await unplug(daemon, 'vm1', 'data', '--persist')
  await guest.waitForDisks([])
  t.same(await inBoth('vm1', 'data'), [false, false])
})

t.test('a stopped VM: in the definition at once, in the guest from its start', async (t) => {
  await guest.poweroff()
  t.equal((await daemon.add('vm1', 'data', await image('cold'), { persist: true, serial: 'COLD' })).status, 202)
  await untilDefined('vm1', 'data', true)
  t.equal((await daemon.add('vm1', 'gone', await image('gone'), { persist: true })).status, 202)
  await untilDefined('vm1', 'gone', true)
  t.equal((await daemon.remove('vm1', 'gone', { persist: true })).status, 202)
  await untilDefined('vm1', 'gone', false)
  await guest.start()
  await guest.waitForDisks(['COLD'])
  t.notOk((await daemon.reason('vm1', 'data', 'VolumeReady')).hotplugVolume)
  await unplug(daemon, 'vm1', 'data', '--persist')
})

t.test('what was not persisted is not removed with the flag', async (t) => {
  await plug(daemon, 'vm1', 'data', await image('plain'))
  t.match(await daemon.remove('vm1', 'data', { persist: true }), { status: 409, body: { details: { causes: [{ reason: 'NotPersisted' }, { message: /Leave out --persist/ }] } } })
  await unplug(daemon, 'vm1', 'data')
})

t.test('target and unit are free in the definition too', async (t) => {
  await startPausedDomain(host, { name: 'vm2' })
  await host.virsh('attach-disk', 'vm2', await image('later'), 'sda', '--config', '--targetbus', 'scsi', '--driver', 'qemu')
  t.match(await plug(daemon, 'vm2', 'data', await image('data2'), '--persist'), { target: 'sdb' })
  t.match(await diskXml(host, 'vm2', 'data', '--inactive'), /dev='sdb'[^]*unit='1'/)
})

t.test('taken out of the definition by hand: said, and not put back', async (t) => {
  await host.virsh('detach-disk', 'vm2', 'sdb', '--config')
  t.match(await daemon.reason('vm2', 'data', 'PersistentDefinitionChanged'), { phase: 'Ready', message: /somebody else took it out.*add it again with --persist/ })
  t.match(await ctl(daemon, 'explain', 'vm2', 'data'), /^data is in the guest as sdb, serial data; the disk was persisted, and somebody else took it out/)
  t.same(await inBoth('vm2', 'data'), [true, false])
  await unplug(daemon, 'vm2', 'data', '--persist')
  await plug(daemon, 'vm2', 'data', await image('data2'), '--persist')
  t.same(await inBoth('vm2', 'data'), [true, true])
  await unplug(daemon, 'vm2', 'data', '--persist')
})

t.test('by manifest: persist beside the source, put in and taken back beside the plugged disk', async (t) => {
  const path = await image('manifest')
  await writeManifest(daemon, 'vm1', { data: { path, persist: true } })
  await untilDefined('vm1', 'data', true)
  await guest.waitForDisk('data')
  await writeManifest(daemon, 'vm1', { data: { path } })
  await untilDefined('vm1', 'data', false)
  t.match(await until('it to be told', async () => {
    const volume = await daemon.volume('vm1', 'data')
    return volume?.persisted === false ? volume : null
  }), { phase: 'Ready' })
  await writeManifest(daemon, 'vm1', { data: { path, persist: true } })
  await untilDefined('vm1', 'data', true)
  await deleteManifest(daemon, 'vm1.yaml')
  await daemon.gone('vm1', 'data')
  t.same(await inBoth('vm1', 'data'), [false, false])
})

t.test('a transient domain: refused with the reason; without the flag it takes the volume', async (t) => {
  const transient = await startGuest(host, { name: 'passing', transient: true })
  const path = await image('passing')
  t.match(await daemon.add('passing', 'data', path, { persist: true }), { status: 409, body: { message: /is transient: nothing can be persisted in it/, details: { causes: [{ reason: 'TransientDomain' }] } } })
  await writeManifest(daemon, 'passing', { data: { path, persist: true } })
  t.match(await daemon.reason('passing', 'data', 'TransientDomain'), { phase: 'Pending', message: /virsh define.*leave out --persist/ })
  await deleteManifest(daemon, 'passing.yaml')
  await daemon.gone('passing', 'data')
  await plug(daemon, 'passing', 'data', path)
  await transient.waitForDisk('data')
  await host.virsh('destroy', 'passing')
  t.match(await daemon.reason('passing', 'data', 'VmNotFound'), { phase: 'Pending' }, 'the wish stays, also when the domain is gone')
  t.equal((await daemon.remove('passing', 'data')).status, 202)
  await daemon.gone('passing', 'data')
})
