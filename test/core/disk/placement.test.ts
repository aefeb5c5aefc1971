import t from 'tap'
import { isFree, place } from '../../../src/core/disk/placement.ts'
import { firstFreeTarget, targetName } from '../../../src/core/disk/target-name.ts'
import { domainView, liveDisk } from '../facts.ts'

t.test('targets are counted like spreadsheet columns', async (t) => {
  t.same([0, 25, 26, 51, 52, 701, 702].map(targetName), ['sda', 'sdz', 'sdaa', 'sdaz', 'sdba', 'sdzz', 'sdaaa'])
  const names = Array.from({ length: 20_000 }, (_, index) => targetName(index))
  t.equal(new Set(names).size, names.length)
  t.equal(firstFreeTarget(new Set(names.filter((name) => name !== 'sdzz'))), 'sdzz')
})

t.test('the first free name and unit, beside what is live, defined and on its way', async (t) => {
  const sata = liveDisk({ target: 'sda', bus: 'sata', address: { controller: 0, bus: 0, target: 0, unit: 0 } })
  const live = liveDisk({ target: 'sdb', address: { controller: 3, bus: 0, target: 0, unit: 0 } })
  const defined = liveDisk({ target: 'sdc', address: { controller: 3, bus: 0, target: 0, unit: 1 } })
  const reserved = { target: 'sdd', address: { controller: 3, bus: 0, target: 0, unit: 2 } }
  const view = domainView({ scsiControllers: [3, 5], disks: [sata, live], persistentDisks: [defined] })
  t.same(place(view, [reserved]), { target: 'sde', address: { controller: 3, bus: 0, target: 0, unit: 3 } })
})

t.test('a gap is filled, other controllers and targets do not count', async (t) => {
  const at = (unit: number, over = {}) => liveDisk({ target: `sd${String.fromCharCode(97 + unit)}`, address: { controller: 0, bus: 0, target: 0, unit, ...over } })
  const view = domainView({ disks: [at(0), at(1, { controller: 1 }), at(2, { target: 4 }), at(3)] })
  t.same(place(view, []), { target: 'sde', address: { controller: 0, bus: 0, target: 0, unit: 1 } })
})

t.test('no controller is told', async (t) => {
  t.match(t.throws(() => place(domainView({ scsiControllers: [] }), [])), { reason: 'NoScsiController' })
})

t.test('a kept placement is free unless another disk is in its place', async (t) => {
  const kept = { target: 'sdk', address: { controller: 0, bus: 0, target: 0, unit: 10 } }
  t.equal(isFree(kept, domainView(), []), true)
  t.equal(isFree(kept, domainView({ disks: [liveDisk({ target: 'sdk' })] }), []), false)
  t.equal(isFree(kept, domainView({ disks: [liveDisk({ address: kept.address })] }), []), false)
  t.equal(isFree(kept, domainView({ scsiControllers: [1] }), []), false)
})
