import { open } from 'node:fs/promises'
import { join } from 'node:path'
import tap, { type Test } from 'tap'
import { VM } from '../../core/facts.ts'
import { overlaps } from '../../../src/adapters/linux/host/overlap.ts'
import { createSources } from '../../../src/adapters/linux/host/sources.ts'
import type { Footprint } from '../../../src/model/source.ts'
import { loopOver, makeImage } from './block-lab.ts'
import { FakeSysfs } from './host/fake-sysfs.ts'
import { refusalOf, scratch } from './scratch.ts'

async function footprintsOf(sysfs: FakeSysfs, ...paths: readonly string[]): Promise<Footprint[]> {
  const found = await createSources({ sysfs: sysfs.root }).footprints(paths, VM)
  return found.map((footprint) => footprint ?? { same: [], below: [] })
}

void tap.test('logical volumes of one group do not overlap each other, but their disk', async (t) => {
  const sysfs = await FakeSysfs.make(t)
  const sda = await sysfs.add('sda', '8:0')
  const sda1 = await sysfs.addPartition('sda', 1, '8:1')
  const root = await sysfs.add('dm-0', '253:0', { below: ['sda1'] })
  const data = await sysfs.add('dm-1', '253:1', { below: ['sda1'] })
  const prints = await footprintsOf(sysfs, sda, sda1, root, data)
  t.same(prints[3], { same: ['b:253:1'], below: ['b:8:0', 'b:8:1'] })
  t.same(matrix(prints), ['.xxx', 'x.xx', 'xx..', 'xx..'])
})

void tap.test('a RAID array, a multipath device and an encrypted one stand on all their parts', async (t) => {
  const sysfs = await FakeSysfs.make(t)
  const nodes = [await sysfs.add('sda', '8:0'), await sysfs.add('sdb', '8:16')]
  nodes.push(await sysfs.add('dm-0', '253:0', { below: ['sda', 'sdb'] }))
  nodes.push(await sysfs.add('dm-1', '253:1', { below: ['dm-0'] }))
  nodes.push(await sysfs.add('sdc', '8:32'), await sysfs.add('md0', '9:0', { below: ['sdc'] }))
  const prints = await footprintsOf(sysfs, ...nodes)
  t.same(prints[3]?.below, ['b:253:0', 'b:8:0', 'b:8:16'])
  t.same(matrix(prints), ['..xx..', '..xx..', 'xx.x..', 'xxx...', '.....x', '....x.'])
})

void tap.test('a tree that goes round ends', async (t) => {
  const sysfs = await FakeSysfs.make(t)
  const one = await sysfs.add('dm-0', '253:0')
  await sysfs.add('dm-1', '253:1', { below: ['dm-0'] })
  await sysfs.stack('dm-0', 'dm-1')
  t.match(await footprintsOf(sysfs, one), [{ same: ['b:253:0'] }])
})

void tap.test('large device numbers, and a device that sysfs does not know', async (t) => {
  const sysfs = await FakeSysfs.make(t)
  const node = await sysfs.add('nvme0n1', '511:1048575')
  t.same(await footprintsOf(sysfs, node), [{ same: ['b:511:1048575'], below: [] }])
  t.same(await footprintsOf(await FakeSysfs.make(t), node), [{ same: ['b:511:1048575'], below: [] }])
})

void tap.test('the holder of a device is named', async (t) => {
  const image = await makeImage(join(await scratch(t), 'a'))
  const loop = await loopOver(t, image)
  const held = await open(loop, 0o200)
  t.teardown(() => held.close())
  await names(t, loop, { 'dm/name': 'vg--a-data--1', 'dm/uuid': 'LVM-abc' }, 'volume group vg-a (logical volume data-1, holder)')
  await names(t, loop, { 'dm/name': 'secret', 'dm/uuid': 'CRYPT-LUKS2-abc' }, 'encrypted device secret (holder)')
  await names(t, loop, { 'dm/name': 'mpatha', 'dm/uuid': 'mpath-abc' }, 'multipath device mpatha (holder)')
  await names(t, loop, { 'dm/name': 'other', 'dm/uuid': '' }, 'device-mapper device other (holder)')
  await names(t, loop, { 'md/level': 'raid1' }, 'RAID array holder')
  await names(t, loop, {}, 'held by holder')
})

async function names(t: Test, loop: string, attributes: Readonly<Record<string, string>>, words: string): Promise<void> {
  const sysfs = await FakeSysfs.make(t)
  await sysfs.add(loop.slice(5), `7:${loop.slice('/dev/loop'.length)}`)
  await sysfs.add('holder', '253:0', { below: [loop.slice(5)], attributes })
  const error = await refusalOf(() => createSources({ sysfs: sysfs.root }).resolve({ kind: 'local', path: loop, format: 'raw' }))
  t.match(error, { reason: 'SourceInUseByHost' })
  t.ok(error.message.includes(words), error.message)
}

void tap.test('all devices of a mounted btrfs are in use', async (t) => {
  const loop = await loopOver(t, await makeImage(join(await scratch(t), 'a')))
  const held = await open(loop, 0o200)
  t.teardown(() => held.close())
  const sysfs = await FakeSysfs.make(t)
  await sysfs.add(loop.slice(5), `7:${loop.slice('/dev/loop'.length)}`, {})
  await sysfs.addBtrfs('0b5a', loop.slice(5))
  const error = await refusalOf(() => createSources({ sysfs: sysfs.root }).resolve({ kind: 'local', path: loop, format: 'raw' }))
  t.match(error, { reason: 'SourceInUseByHost', message: /held by the mounted btrfs file system 0b5a/ })
})

/** Who overlaps whom, but for itself. */
function matrix(prints: readonly Footprint[]): string[] {
  return prints.map((a) => prints.map((b) => (a !== b && overlaps(a, b) ? 'x' : '.')).join(''))
}
