import { truncate } from 'node:fs/promises'
import tap from 'tap'
import { run, startLibvirtHost, startPausedDomain, until } from '../../support/lab.ts'
import { expectedOf, key, makeDirectory, makeImage, openRig, planOf, reasonOf, remove } from './rig.ts'

const host = await startLibvirtHost(tap)
const vm = key(await startPausedDomain(host, { name: 'changed' }))
const rig = openRig(tap, host.uri)
const { domains } = rig
const directory = await makeDirectory(tap)
const path = await makeImage(directory)
await rig.up()

void tap.test('a disk goes in, is listed as planned, and comes out', async (t) => {
  const plan = planOf(path, 'b1', 3)
  t.same(await domains.attach(vm, plan), { kind: 'done' })
  t.match(await domains.liveDisk(vm, plan.alias), {
    target: 'sdd',
    bus: 'scsi',
    device: 'disk',
    sourceType: 'file',
    source: path,
    format: 'raw',
    serial: 'b1',
    alias: 'ua-b1',
    address: { controller: 0, bus: 0, target: 0, unit: 3 },
    readonly: false,
    shareable: false,
    backing: [],
  })
  await remove(rig, vm, plan)
  await rig.told(`disk-removed ${vm} ua-b1`)
  const told = rig.events.filter((event) => event.includes('ua-b1'))
  t.same(told, [`disk-added ${vm} ua-b1`, `disk-removed ${vm} ua-b1`], 'both events, once, in order')
})

void tap.test('what libvirt refuses carries its own code and words', async (t) => {
  const plan = planOf(path, 'twice')
  await domains.attach(vm, plan)
  t.match(await domains.attach(vm, plan), { kind: 'refused', code: 'VIR_ERR_CONFIG_UNSUPPORTED', message: /alias/ })
  const sameTarget = planOf(path, 'other', 1, { target: plan.target })
  t.match(await domains.attach(vm, sameTarget), { kind: 'refused', code: /^VIR_ERR_/ })
  t.match(await domains.attach(vm, planOf(`${directory}/missing`, 'missing', 2)), { kind: 'refused', code: 'VIR_ERR_SYSTEM_ERROR' })
  t.match(await domains.attach(key('nobody'), plan), { kind: 'refused', code: 'VIR_ERR_NO_DOMAIN' })
  await remove(rig, vm, plan)
})

void tap.test('a detach compares with the live disk first', async (t) => {
  const plan = planOf(path, 'kept')
  const expected = expectedOf(plan)
  await domains.attach(vm, plan)
  const others = {
    serial: { ...expected, serial: 'other' },
    source: { ...expected, path: `${path}2` },
    target: { ...expected, target: 'sdz' },
    address: { ...expected, address: { ...expected.address, unit: 9 } },
  }
  for (const [part, other] of Object.entries(others)) {
    const outcome = await domains.requestDetach(vm, other)
    t.match(outcome, { kind: 'refused', code: 'HOTPLUGD_DISK_MISMATCH', message: new RegExp(`${part} is`) }, part)
  }
  const absent = await domains.requestDetach(vm, { ...expected, alias: 'ua-other' })
  t.match(absent, { kind: 'refused', code: 'HOTPLUGD_DISK_ABSENT' })
  t.ok(await domains.liveDisk(vm, plan.alias), 'nothing was touched')
  await remove(rig, vm, plan)
})

void tap.test('a disk without a serial is not the one with an empty serial', async (t) => {
  await run('virsh', ['-q', '-c', host.uri, 'attach-disk', 'changed', path, 'sdq', '--alias', 'ua-bare', '--address', 'scsi:0.0.20', '--targetbus', 'scsi'])
  const bare = { ...planOf(path, 'bare', 20), target: 'sdq' }
  t.match(await domains.liveDisk(vm, 'ua-bare'), { serial: null, source: path })
  t.match(await domains.requestDetach(vm, { ...expectedOf(bare), serial: '' }), { kind: 'refused', code: 'HOTPLUGD_DISK_MISMATCH' })
})

void tap.test('sizes: grows, and never shrinks', async (t) => {
  const growing = await makeImage(directory, 'growing.img', 1 << 20)
  const plan = planOf(growing, 'growing', 5)
  await domains.attach(vm, plan)
  t.equal(await domains.capacityBytes(vm, plan.target), 1 << 20)
  await truncate(growing, 3 << 20)
  t.same(await domains.resize(vm, plan.target, 3 << 20), { kind: 'done' })
  t.equal(await domains.capacityBytes(vm, plan.target), 3 << 20)
  t.match(await domains.resize(vm, plan.target, 1 << 20), { kind: 'refused', code: 'HOTPLUGD_WOULD_SHRINK' })
  t.equal(await domains.capacityBytes(vm, 'sdzz'), null, 'no such disk')
  t.equal(await domains.capacityBytes(key('nobody'), 'sda'), null, 'no such domain')
  await remove(rig, vm, plan)
})

void tap.test('the persistent definition is changed apart from the live domain', async (t) => {
  const plan = planOf(path, 'lasting', 7)
  t.same(await domains.persist(vm, plan), { kind: 'done' })
  const view = await domains.observe(vm)
  t.notOk(view?.disks.some((disk) => disk.alias === plan.alias), 'not live')
  t.ok(view?.persistentDisks.some((disk) => disk.alias === plan.alias && disk.serial === 'lasting'), 'in the definition')
  t.match(await domains.unpersist(vm, { ...expectedOf(plan), serial: 'other' }), { kind: 'refused', code: 'HOTPLUGD_DISK_MISMATCH' })
  t.same(await domains.unpersist(vm, expectedOf(plan)), { kind: 'done' })
  t.same(await domains.unpersist(vm, expectedOf(plan)), { kind: 'done' }, 'done too if it is not there')
  await until('the definition to be as before', async () => (await domains.observe(vm))?.persistentDisks.length === 0)
})

void tap.test('odd characters reach the disk as they are, or nothing happens', async (t) => {
  const odd = await makeImage(directory, `o'd"d <&> ü.img`)
  const plan = planOf(odd, 'X_y-1', 8, { disk: { serial: 'A b_c-D.e+f', readonly: true, shareable: true } })
  t.same(await domains.attach(vm, plan), { kind: 'done' })
  t.match(await domains.liveDisk(vm, plan.alias), { source: odd, serial: 'A b_c-D.e+f', readonly: true, shareable: true })
  await remove(rig, vm, plan)
  const injected = planOf(path, 'i', 9, { disk: { serial: `x</serial><shareable/><serial>`, readonly: false, shareable: false } })
  t.equal((await domains.attach(vm, injected)).kind, 'refused')
  for (const alias of ["ua-i'/><alias name='ua-j", 'ua-i.j', 'ua-i\n', 'virtio0']) {
    t.equal(await reasonOf(domains.attach(vm, planOf(path, 'i', 9, { alias }))), 'InvalidName', alias)
  }
  const tab = planOf(await makeImage(directory, 'a\tb.img'), 'i', 9)
  t.match(await domains.attach(vm, tab), { kind: 'refused', code: 'HOTPLUGD_BAD_XML' }, 'XML would make a blank of it')
  t.equal((await domains.observe(vm))?.disks.filter((disk) => disk.alias?.startsWith('ua-i')).length, 0)
  t.equal(await reasonOf(domains.observe(key('changed\0b'))), 'InvalidRequest')
})
