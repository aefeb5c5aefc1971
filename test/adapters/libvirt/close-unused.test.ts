import tap from 'tap'
import { startLibvirtHost, startPausedDomain } from '../../support/lab.ts'
import { key, makeDirectory, makeImage, openRig, planOf, remove } from './rig.ts'

const host = await startLibvirtHost(tap)
const name = await startPausedDomain(host, { name: 'leftover' })
const vm = key(name)
const rig = openRig(tap, host.uri)
const path = await makeImage(await makeDirectory(tap))
await rig.up()

/** As libvirt itself opens an image for a disk, without the disk. */
async function openInQemu(node: string, options: object): Promise<void> {
  const command = { execute: 'blockdev-add', arguments: { 'node-name': node, ...options } }
  const answer = await host.virsh('qemu-monitor-command', name, JSON.stringify(command))
  if (answer.includes('error')) throw new Error(answer)
}

void tap.test('what an interrupted attach left open is closed, upper node first', async (t) => {
  await openInQemu('libvirt-90-storage', { driver: 'file', filename: path })
  await openInQemu('libvirt-90-format', { driver: 'raw', file: 'libvirt-90-storage' })
  t.equal(await rig.domains.closeUnused(vm, path), 2)
  t.equal(await rig.domains.closeUnused(vm, path), 0)
})

void tap.test('what a disk uses stays open', async (t) => {
  const plan = planOf(path, 'used')
  await rig.domains.attach(vm, plan)
  t.equal(await rig.domains.closeUnused(vm, path), 0)
  t.match(await rig.domains.liveDisk(vm, plan.alias), { source: path })
  await remove(rig, vm, plan)
})

void tap.test('what somebody else opened, and what leads elsewhere, stays open', async (t) => {
  await openInQemu('by-hand', { driver: 'file', filename: path, locking: 'off' })
  t.equal(await rig.domains.closeUnused(vm, path), 0)
  await openInQemu('libvirt-91-storage', { driver: 'file', filename: path, locking: 'off' })
  t.equal(await rig.domains.closeUnused(vm, `${path}2`), 0)
  t.equal(await rig.domains.closeUnused(vm, path), 1)
})
