import t from 'tap'
import { diskXml } from '../../../src/core/disk/disk-xml.ts'
import type { DiskPlan } from '../../../src/model/disk.ts'

const PLAN: DiskPlan = {
  volume: 'data',
  alias: 'ua-data',
  target: 'sdb',
  address: { controller: 2, bus: 0, target: 0, unit: 7 },
  sourceKind: 'block',
  path: '/dev/vg0/data',
  format: 'raw',
  disk: { serial: 'Ser-1', readonly: false, shareable: false },
}

t.test('a block disk, every part in its place', async (t) => {
  t.equal(
    diskXml(PLAN),
    "<disk type='block' device='disk'><driver name='qemu' type='raw' discard='unmap'/><source dev='/dev/vg0/data'/><backingStore/>" +
      "<target dev='sdb' bus='scsi'/><serial>Ser-1</serial><alias name='ua-data'/>" +
      "<address type='drive' controller='2' bus='0' target='0' unit='7'/></disk>",
  )
})

t.test('an image with all that can be asked for', async (t) => {
  const disk = { serial: 's', readonly: true, shareable: true, cache: 'none', io: 'native', errorPolicy: 'stop' } as const
  const xml = diskXml({ ...PLAN, sourceKind: 'file', format: 'qcow2', disk })
  t.match(xml, "<driver name='qemu' type='qcow2' cache='none' error_policy='stop' io='native' discard='unmap'/>")
  t.match(xml, "<source file='/dev/vg0/data'/>")
  t.match(xml, '<readonly/><shareable/>')
})

t.test('native I/O says the only cache mode it works with', async (t) => {
  t.match(diskXml({ ...PLAN, disk: { ...PLAN.disk, io: 'native' } }), "type='raw' cache='none' io='native'")
})

t.test('nothing in a name, path or serial becomes markup', async (t) => {
  const evil = `'/><source dev="/etc/shadow"/>&amp;<x y='`
  const xml = diskXml({ ...PLAN, path: evil, alias: evil, target: evil, disk: { ...PLAN.disk, serial: evil } })
  t.equal(xml.match(/<source/g)?.length, 1)
  t.equal(xml.match(/<x/g), null)
  t.equal(xml.match(/&lt;source dev=&quot;/g)?.length, 4)
})
