import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import tap from 'tap'
import { defineGuest, run, startLibvirtHost, startPausedDomain, until } from '../../support/lab.ts'
import { key, makeDirectory, makeImage, openRig, planOf, NAMESPACE } from './rig.ts'

const host = await startLibvirtHost(tap)
const rig = openRig(tap, host.uri)
const { domains } = rig
const directory = await makeDirectory(tap)
await rig.up()

async function stateIs(name: string, state: string | null): Promise<void> {
  await until(`${name} to be ${state}`, async () => ((await domains.observe(key(name)))?.state ?? null) === state)
}

void tap.test('a domain through its life', async (t) => {
  const disk = await makeImage(directory)
  await defineGuest(host, { name: 'life', scsiControllers: [2, 1], disks: [{ path: disk, type: 'file', target: 'sda', unit: 0, serial: 'own' }] })
  const off = await domains.observe(key('life'))
  t.match(off, { state: 'off', persistent: true, process: null, scsiControllers: [1, 2], disks: [{ target: 'sda', serial: 'own' }] })
  t.equal(off?.persistentDisks.length, 1)
  t.equal(await domains.liveDisk(key('life'), 'ua-none'), null, 'a domain that is off has no live disks')

  await host.virsh('start', 'life', '--paused')
  const paused = await domains.observe(key('life'))
  t.match(paused, { state: 'paused', uuid: off?.uuid, persistent: true })
  await host.virsh('resume', 'life')
  await stateIs('life', 'running')
  await host.virsh('managedsave', 'life')
  t.match(await domains.observe(key('life')), { state: 'saved', process: null })
  await host.virsh('managedsave-remove', 'life')
  t.match(await domains.observe(key('life')), { state: 'saved' }, 'it may still come back from an image that a person keeps')
  await host.virsh('undefine', 'life')
  t.equal(await domains.observe(key('life')), null)
  for (const event of ['defined', 'started/booted', 'resumed', 'stopped/saved', 'undefined']) await rig.told(`domain ${key('life')} ${event}`)
})

void tap.test('the QEMU process, proven', async (t) => {
  const name = await startPausedDomain(host, { name: 'a (b) c) -uuid' })
  const view = await domains.observe(key(name))
  const pid = view?.process?.pid
  const arguments_ = (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0')
  t.equal(arguments_[arguments_.indexOf('-uuid') + 1], view?.uuid)
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
  t.equal(view?.process?.startTime, stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19], 'field 22')
  await host.virsh('destroy', name)
  t.match(await domains.observe(key(name)), { state: 'off', process: null })
  await rig.told(`domain ${key(name)} stopped/destroyed`)
})

void tap.test('the chain below an image', async (t) => {
  const base = await makeImage(directory, 'base.raw')
  const middle = join(directory, 'middle.qcow2')
  const top = join(directory, 'top.qcow2')
  await run('qemu-img', ['create', '-q', '-f', 'qcow2', '-F', 'raw', '-b', base, middle])
  await run('qemu-img', ['create', '-q', '-f', 'qcow2', '-F', 'qcow2', '-b', middle, top])
  const disk = { path: top, type: 'file', format: 'qcow2', target: 'sda', unit: 0 } as const
  const name = await startPausedDomain(host, { name: 'layers', disks: [disk] })
  t.match((await domains.observe(key(name)))?.disks, [{ source: top, format: 'qcow2', serial: null, backing: [middle, base] }])
})

void tap.test('a transient domain has no definition, and is gone when it stops', async (t) => {
  const name = await startPausedDomain(host, { name: 'fleeting' })
  await host.virsh('undefine', name)
  t.match(await domains.observe(key(name)), { persistent: false, persistentDisks: [], state: 'paused' })
  t.match(await domains.persist(key(name), planOf('/nothing')), { kind: 'refused', code: 'VIR_ERR_OPERATION_INVALID' })
  await host.virsh('destroy', name)
  t.equal(await domains.observe(key(name)), null)
})

void tap.test('the list holds every domain, running or not', async (t) => {
  await defineGuest(host, { name: 'idle' })
  const names = await domains.list(NAMESPACE)
  t.ok(names.includes(key('idle')))
  t.ok(names.includes(key('a (b) c) -uuid')))
  t.notOk(names.includes(key('life')))
})

void tap.test('a domain without a virtio-scsi controller', async (t) => {
  await defineGuest(host, { name: 'bare', scsiControllers: [] })
  t.same((await domains.observe(key('bare')))?.scsiControllers, [])
})
