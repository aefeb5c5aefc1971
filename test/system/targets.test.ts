import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import t from 'tap'
import { startDaemon, type VolumeEntry } from '../support/daemon.ts'
import { bootFiles, domainXml, type DomainShape, startLibvirtHost, startPausedDomain } from '../support/lab.ts'
import { ctl, diskXml, makeDirectory, makeFile, MIB, plug, unplug } from './user-scene.ts'

const host = await startLibvirtHost(t)
const directory = await makeDirectory(t)
const image = (name: string): Promise<string> => makeFile(join(directory, name), MIB)
const daemon = await startDaemon(t, { libvirt: host.uri })

/** A domain that has further elements among its devices, with a QEMU that never runs an instruction. */
async function startWith(name: string, devices: string, shape: DomainShape = {}): Promise<void> {
  const xml = domainXml({ name, uuid: randomUUID() }, await bootFiles(), shape)
  await host.define(xml.replace('</devices>', `${devices}</devices>`))
  await host.virsh('start', name, '--paused')
}

const plugImage = async (vm: string, volume: string): Promise<VolumeEntry> => plug(daemon, vm, volume, await image(`${vm}-${volume}`))

t.test('the first free name, kept while plugged', async (t) => {
  await startPausedDomain(host, { name: 'plain' })
  for (const [name, target] of [['a', 'sda'], ['b', 'sdb'], ['c', 'sdc']] as const) t.match(await plugImage('plain', name), { target })
  await unplug(daemon, 'plain', 'a')
  t.match(await daemon.volumes('plain'), [{ name: 'b', target: 'sdb' }, { name: 'c', target: 'sdc' }])
  t.match(await plugImage('plain', 'd'), { target: 'sda' })
  t.match(await diskXml(host, 'plain', 'd'), "unit='0'")
})

t.test('past sdz', async (t) => {
  await startPausedDomain(host, { name: 'wide' })
  const names = Array.from({ length: 30 }, (_, i) => `v${String(i).padStart(2, '0')}`)
  await Promise.all(names.map(async (name) => daemon.add('wide', name, await image(name))))
  const volumes = await Promise.all(names.map((name) => daemon.ready('wide', name)))
  const targets = volumes.map(({ target }) => target).sort((a, b) => a.length - b.length || (a < b ? -1 : 1))
  t.same(targets.slice(24), ['sdy', 'sdz', 'sdaa', 'sdab', 'sdac', 'sdad'])
  t.equal(new Set(targets).size, 30)
})

t.test('beside disks that the domain has already, on the same bus and on others', async (t) => {
  const [scsi, sata] = [await image('scsi'), await image('sata')]
  const disk = (file: string, target: string, bus: string, address: string) =>
    `<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='${file}'/><target dev='${target}' bus='${bus}'/>${address}</disk>`
  await startWith('full', disk(scsi, 'sdb', 'scsi', "<address type='drive' controller='0' bus='0' target='0' unit='0'/>") + disk(sata, 'sda', 'sata', ''), { machine: 'q35' })
  t.match(await plugImage('full', 'data'), { target: 'sdc' })
  t.match(await diskXml(host, 'full', 'data'), "<address type='drive' controller='0' bus='0' target='0' unit='1'/>")
  t.match(await daemon.volumes('full'), [{ name: 'data' }, { name: 'sda', target: 'sda' }, { name: 'sdb', target: 'sdb' }])
})

t.test('the first virtio-scsi controller, whatever its index', async (t) => {
  await startPausedDomain(host, { name: 'third', scsiControllers: [3] })
  await plugImage('third', 'data')
  t.match(await diskXml(host, 'third', 'data'), "<address type='drive' controller='3' bus='0' target='0' unit='0'/>")
  await startPausedDomain(host, { name: 'two', scsiControllers: [5, 2] })
  await plugImage('two', 'data')
  t.match(await diskXml(host, 'two', 'data'), "<address type='drive' controller='2'")
})

t.test('a controller of another model is passed over', async (t) => {
  await startWith('mixed', "<controller type='scsi' index='0' model='lsilogic'/>", { scsiControllers: [1] })
  await plugImage('mixed', 'data')
  t.match(await diskXml(host, 'mixed', 'data'), "<address type='drive' controller='1'")
})

t.test('without one: said, with the XML to add; plugged once it is there', async (t) => {
  await startPausedDomain(host, { name: 'none', scsiControllers: [] })
  const source = await image('none')
  t.equal((await daemon.add('none', 'data', source)).status, 202)
  const waiting = await daemon.reason('none', 'data', 'NoScsiController')
  t.match(waiting, { phase: 'Pending', message: /no virtio-scsi controller.*<controller type='scsi' model='virtio-scsi'\/>/ })
  t.match(await ctl(daemon, 'explain', 'none', 'data'), /data is not in the guest: the domain has no virtio-scsi controller[^]*Remedy: +Add <controller type='scsi' model='virtio-scsi'\/>/)
  await host.virsh('destroy', 'none')
  await host.define((await host.virsh('dumpxml', '--inactive', 'none')).replace('</devices>', "<controller type='scsi' model='virtio-scsi'/></devices>"))
  await host.virsh('start', 'none', '--paused')
  await daemon.ready('none', 'data')
})
