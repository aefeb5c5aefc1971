import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import t from 'tap'
import { startDaemon } from '../support/daemon.ts'
import { bootFiles, defineGuest, domainXml, startPausedDomain, until } from '../support/lab.ts'
import { ctl, diskXml, makeDirectory, makeFile, MIB, plug, startScene, unplug } from './user-scene.ts'

const scene = await startScene(t)
const { host, guest } = scene
let { daemon } = scene
const directory = await makeDirectory(t)
const image = (name: string): Promise<string> => makeFile(join(directory, name), MIB)
const start = async (): Promise<void> => {
  daemon = await startDaemon(t, { libvirt: host.uri, directories: daemon.directories })
}

t.test('a restart of the agent: nothing happens to the disks, all is known as before', async (t) => {
  await plug(daemon, 'vm1', 'data', await image('data'), '--serial=STAYS')
  await guest.waitForDisk('STAYS')
  await guest.startChurn('STAYS')
  await daemon.stop()
  await start()
  t.match(await daemon.ready('vm1', 'data'), { target: 'sda', serial: 'STAYS', hotplugVolume: {} })
  t.match(await ctl(daemon, 'explain', 'vm1', 'data'), /^data is in the guest as sda, serial STAYS\.\n[^]*Reached: +reported/)
  t.equal((await guest.stopChurn('STAYS')).errors, 0)
})

t.test('a reboot inside the guest', async (t) => {
  await guest.reboot()
  await guest.waitForDisks(['STAYS'])
  t.match(await daemon.volume('vm1', 'data'), { phase: 'Ready' })
})

t.test('off: said, and plugged at its start; asked for while off: likewise', async (t) => {
  await guest.poweroff()
  t.match(await daemon.reason('vm1', 'data', 'VmNotRunning'), { phase: 'Pending', target: '', message: 'the domain is not running. Start the domain: the volume is plugged when it runs.' })
  t.equal((await daemon.add('vm1', 'cold', await image('cold'))).status, 202)
  t.match(await daemon.ctl('addvolume', 'vm1', '--volume-name=cold2', `--source=${await image('cold2')}`, '--wait', '--timeout=1s'), {
    exitCode: 4,
    stderr: /waiting: the domain is not running[^]*error: volume cold2: not done after 1 s: the domain is not running[^]*remedy: .*The request stands/,
  })
  t.match(await ctl(daemon, 'get', 'vmis', 'vm1'), /vm1 +Stopped +3 +0\/3/)
  await daemon.stop()
  await start()
  t.equal(await diskXml(host, 'vm1', 'cold', '--inactive'), null)
  await guest.start()
  await guest.waitForDisks(['STAYS', 'cold', 'cold2'])
  for (const name of ['data', 'cold', 'cold2']) t.match(await daemon.ready('vm1', name), { hotplugVolume: {} })
})

t.test('a VM that restarts while the agent is down', async (t) => {
  await daemon.stop()
  await guest.poweroff()
  await guest.start()
  t.same(await guest.disks(), [])
  await start()
  await guest.waitForDisks(['STAYS', 'cold', 'cold2'])
})

t.test('a volume added and removed while off leaves nothing to plug', async (t) => {
  const off = await defineGuest(host, { name: 'off' })
  t.equal((await daemon.add('off', 'data', await image('off'))).status, 202)
  t.equal((await daemon.remove('off', 'data')).status, 202)
  await daemon.gone('off', 'data')
  await host.virsh('start', off.name, '--paused')
  await until('the VM to run', async () => /off +Paused +0/.test(await ctl(daemon, 'get', 'vmis', 'off')))
})

t.test('an undefined domain is 404', async (t) => {
  t.match(await daemon.add('nobody', 'data', await image('nobody')), { status: 404, body: { message: 'virtualmachineinstance.kubevirt.io "nobody" not found' } })
  t.match(await daemon.add('nobody', 'data', await image('nobody'), { persist: true }), { status: 404, body: { message: 'virtualmachine.kubevirt.io "nobody" not found' } })
  t.equal((await daemon.remove('nobody', 'data')).status, 404)
  t.match(await daemon.ctl('addvolume', 'nobody', '--volume-name=data', '--source=/dev/null'), {
    exitCode: 3,
    stderr: 'error: libvirt has no domain nobody in namespace default (VmNotFound)\n  remedy: Define the domain in libvirt, or correct the name, and ask again.\n',
  })
})

t.test('a restart of libvirt: the guest keeps its disks, and others come and go', async (t) => {
  await host.restart()
  await until('libvirt to be back', async () => (await daemon.call('GET', '/readyz')).status === 200)
  t.match(await daemon.ready('vm1', 'data'), { serial: 'STAYS' })
  await unplug(daemon, 'vm1', 'cold2')
  await plug(daemon, 'vm1', 'cold2', join(directory, 'cold2'))
  await guest.waitForDisks(['STAYS', 'cold', 'cold2'])
})

t.test('libvirt away: said, alive, not ready; what a known VM is to get is kept', async (t) => {
  await host.kill9()
  await until('it to be said', async () => (await daemon.call('GET', '/readyz')).status === 503)
  t.equal((await daemon.call('GET', '/livez')).status, 200)
  t.match((await daemon.call('GET', '/readyz?verbose')).text, /\[-\]libvirt-default: ./)
  t.match(await daemon.volume('vm1', 'data'), { phase: 'Ready', reason: 'LibvirtUnavailable' }, 'Ready is not taken back on doubt')
  t.match(await ctl(daemon, 'explain', 'vm1', 'data'), /^data was in the guest as sd\w+, serial STAYS; libvirt does not answer: .+\n/)
  t.match(await daemon.add('unknown', 'new', await image('new')), { status: 503, body: { details: { causes: [{ reason: 'LibvirtUnavailable' }, { message: /Start libvirt/ }] } } })
  t.equal((await daemon.add('vm1', 'new', await image('new'))).status, 202, 'what is asked of a known VM is kept')
  t.match(await daemon.volume('vm1', 'new'), { phase: 'Pending', reason: 'LibvirtUnavailable', message: /^libvirt does not answer\. Start libvirt/ })
  await host.restart()
  await until('libvirt to be back', async () => (await daemon.call('GET', '/readyz')).status === 200)
  t.match(await daemon.reason('vm1', 'data', 'VolumeReady'), { phase: 'Ready' })
  await daemon.ready('vm1', 'new')
  await unplug(daemon, 'vm1', 'new')
})

t.test('saved: left alone until it runs again', async (t) => {
  await startPausedDomain(host, { name: 'saved' })
  await plug(daemon, 'saved', 'data', await image('saved'))
  await host.virsh('managedsave', 'saved')
  t.match(await daemon.reason('saved', 'data', 'VmSaved'), { message: /^the domain is saved to disk\. Restore the domain/ })
  t.equal((await daemon.remove('saved', 'data')).status, 202)
  await host.virsh('start', 'saved', '--paused')
  await daemon.gone('saved', 'data')
  t.equal(await diskXml(host, 'saved', 'data'), null)
})

t.test('undefined and another one defined under the name: nothing of the other is touched', async (t) => {
  await startPausedDomain(host, { name: 'twin' })
  await plug(daemon, 'twin', 'data', await image('twin'))
  await host.virsh('destroy', 'twin')
  await host.virsh('undefine', 'twin')
  await daemon.reason('twin', 'data', 'VmNotFound')
  await host.define(domainXml({ name: 'twin', uuid: randomUUID() }, await bootFiles()))
  await host.virsh('start', 'twin', '--paused')
  t.match(await daemon.reason('twin', 'data', 'VmReplaced'), { phase: 'Pending', message: /^the domain of that name is not the one that the volume was added to\./ })
  t.equal(await diskXml(host, 'twin', 'data'), null)
  t.equal((await daemon.remove('twin', 'data')).status, 202)
  await daemon.gone('twin', 'data')
})

t.test('a disk that somebody else takes out by hand comes back', async () => {
  const { target } = await daemon.ready('vm1', 'data')
  await host.virsh('detach-disk', 'vm1', target, '--live')
  await guest.waitForDisks(['cold', 'cold2'])
  await guest.waitForDisks(['STAYS', 'cold', 'cold2'])
  await daemon.ready('vm1', 'data')
})
