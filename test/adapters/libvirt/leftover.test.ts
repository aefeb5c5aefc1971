import { readdir, readlink, readFile } from 'node:fs/promises'
import tap from 'tap'
import { startLibvirtHost, startPausedDomain, until } from '../../support/lab.ts'
import { key, makeDirectory, makeImage, openRig, planOf, remove } from './rig.ts'

const host = await startLibvirtHost(tap)
const name = await startPausedDomain(host, { name: 'leftover' })
const vm = key(name)
const rig = openRig(tap, host.uri)
const path = await makeImage(await makeDirectory(tap))
const leftover = { alias: 'ua-left', path }
await rig.up()

/** A command of QEMU's own protocol, as libvirt would give it. */
async function qemu(execute: string, parameters: object): Promise<void> {
  const answer = await host.virsh('qemu-monitor-command', name, JSON.stringify({ execute, arguments: parameters }))
  if (answer.includes('"error"')) throw new Error(answer)
}

async function open(node: string, format?: string): Promise<void> {
  await qemu('blockdev-add', { 'node-name': node, driver: 'file', filename: path, locking: 'off' })
  if (format !== undefined) await qemu('blockdev-add', { 'node-name': format, driver: 'raw', file: node })
}

async function timesOpen(): Promise<number> {
  const pid = await readFile(`${host.root}/run/libvirt/qemu/${name}.pid`, 'utf8')
  const links = (await readdir(`/proc/${pid}/fd`)).map((fd) => readlink(`/proc/${pid}/fd/${fd}`).catch(() => ''))
  return (await Promise.all(links)).filter((link) => link === path).length
}

void tap.test('an image that was opened for a disk that never came', async (t) => {
  await open('libvirt-90-storage', 'libvirt-90-format')
  t.ok((await timesOpen()) > 0)
  await rig.domains.clearLeftover(vm, leftover)
  t.equal(await timesOpen(), 0)
})

void tap.test('a disk that is in the guest, and not in the list', async (t) => {
  await open('libvirt-91-storage', 'libvirt-91-format')
  await qemu('device_add', { driver: 'scsi-hd', bus: 'scsi0.0', drive: 'libvirt-91-format', id: leftover.alias })
  await until('it to be out', async () => {
    await rig.domains.clearLeftover(vm, leftover)
    return (await timesOpen()) === 0
  })
  const plan = planOf(path, 'left')
  t.same(await rig.domains.attach(vm, plan), { kind: 'done' }, 'it can be plugged again')
  await remove(rig, vm, plan)
})

void tap.test('a disk that libvirt lists is not touched', async (t) => {
  const plan = planOf(path, 'left')
  await rig.domains.attach(vm, plan)
  const before = await timesOpen()
  await rig.domains.clearLeftover(vm, leftover)
  await rig.domains.clearLeftover(vm, { alias: 'ua-other', path })
  t.equal(await timesOpen(), before)
  t.match(await rig.domains.liveDisk(vm, plan.alias), { source: path })
  await remove(rig, vm, plan)
})

void tap.test('what somebody else opened, and what leads elsewhere, stays open', async (t) => {
  await open('by-hand')
  await open('libvirt-92-storage')
  await rig.domains.clearLeftover(vm, { alias: leftover.alias, path: `${path}2` })
  t.equal(await timesOpen(), 2)
  await rig.domains.clearLeftover(vm, leftover)
  t.equal(await timesOpen(), 1)
})
