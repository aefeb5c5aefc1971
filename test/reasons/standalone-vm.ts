import { randomUUID } from 'node:crypto'
import { rename, writeFile } from 'node:fs/promises'
import type { Test } from 'tap'
import { startDaemon } from '../support/daemon.ts'
import { defineGuest, startPausedDomain, until } from '../support/lab.ts'
import { openFiles } from '../system/fault-scene.ts'
import { deleteManifest, writeManifest } from '../system/manifest.ts'
import { diskXml, plug, unplug } from '../system/user-scene.ts'
import { AGAIN, type Cases, refuses, tells } from './case.ts'
import type { Standalone } from './standalone.ts'
import { stop, stopped } from './stopped.ts'


/** A request for a volume of a VM other than vm1; it is taken back at the end of the test, and the VM with it. */
async function ask(t: Test, room: Standalone, vm: string): Promise<void> {
  const answer = await room.daemon.add(vm, 'data', await room.image(`of-${vm}`))
  if (answer.status !== 202) throw new Error(answer.text)
  t.teardown(async () => {
    await room.daemon.remove(vm, 'data')
    await room.daemon.gone(vm, 'data')
    await room.host.virsh('destroy', vm).catch(() => undefined)
    await room.host.virsh('undefine', vm, '--managed-save')
  })
}

/** What the VM is the cause of. */
export const VM = {
  VmNotFound: async (t, room) => {
    await refuses(t, room.daemon, ['addvolume', 'nobody', '--volume-name=data', '--source=/dev/null'], 'VmNotFound', {
      cause: 'libvirt has no domain nobody in namespace default',
      remedy: 'Define the domain in libvirt, or correct the name, and ask again.',
    })
    await writeManifest(room.daemon, 'nobody', { data: await room.image('nobody') })
    await tells(t, room.daemon, 'data', 'VmNotFound', { vm: 'nobody', cause: 'libvirt has no domain of that name', next: 'The volume is plugged as soon as a domain of that name runs.' })
    await deleteManifest(room.daemon, 'nobody.yaml')
    await room.daemon.gone('nobody', 'data')
  },

  VmNotRunning: async (t, room) => {
    await defineGuest(room.host, { name: 'off' })
    await ask(t, room, 'off')
    await tells(t, room.daemon, 'data', 'VmNotRunning', { vm: 'off', cause: 'the domain is not running', next: 'The volume is plugged as soon as the domain runs.' })
  },

  VmSaved: async (t, room) => {
    await startPausedDomain(room.host, { name: 'saved' })
    await room.host.virsh('managedsave', 'saved')
    await ask(t, room, 'saved')
    await tells(t, room.daemon, 'data', 'VmSaved', { vm: 'saved', cause: 'the domain is saved to disk', next: 'What is due is done as soon as the domain runs again.' })
  },

  VmReplaced: async (t, room) => {
    await defineGuest(room.host, { name: 'again' })
    const xml = await room.host.virsh('dumpxml', 'again')
    await ask(t, room, 'again')
    await room.host.virsh('undefine', 'again')
    const domainUuid = randomUUID()
    await room.host.define(xml.replace(/<uuid>.*<\/uuid>/, `<uuid>${domainUuid}</uuid>`))
    const evidence = { addedTo: /<uuid>(.*)<\/uuid>/.exec(xml)?.[1], domainUuid }
    await tells(t, room.daemon, 'data', 'VmReplaced', { vm: 'again', cause: 'the domain of that name is not the one that the volume was added to', evidence, next: /^Nothing is plugged into the new domain/ })
  },

  ProcessUnknown: async (t, room) => {
    const pidFile = `${room.host.root}/run/libvirt/qemu/nameless.pid`
    await startPausedDomain(room.host, { name: 'nameless' })
    await until('it to be seen', async () => /nameless +Paused/.test((await room.daemon.ctl('get', 'vmis')).stdout))
    await rename(pidFile, `${pidFile}.aside`)
    await writeManifest(room.daemon, 'nameless', { data: { path: await room.image('nameless'), persist: true } })
    await tells(t, room.daemon, 'data', 'ProcessUnknown', { vm: 'nameless', cause: 'the QEMU process of default/nameless could not be identified', next: AGAIN })
    await rename(`${pidFile}.aside`, pidFile)
    await room.daemon.ready('nameless', 'data')
    await deleteManifest(room.daemon, 'nameless.yaml')
    await room.daemon.gone('nameless', 'data')
    await room.host.virsh('destroy nameless; undefine nameless')
  },

  NoScsiController: async (t, room) => {
    await startPausedDomain(room.host, { name: 'bare', scsiControllers: [] })
    await ask(t, room, 'bare')
    await tells(t, room.daemon, 'data', 'NoScsiController', { vm: 'bare', cause: 'the domain has no virtio-scsi controller to plug a disk into', next: AGAIN })
  },

  TransientDomain: async (t, room) => {
    const xml = `${room.host.root}/run/lab/passing.xml`
    await defineGuest(room.host, { name: 'passing' })
    await writeFile(xml, await room.host.virsh('dumpxml', 'passing'))
    await room.host.virsh(`undefine passing; create ${xml} --paused`)
    const cause = /passing is transient: nothing can be persisted in it/
    await refuses(t, room.daemon, ['addvolume', 'passing', '--volume-name=data', `--source=${await room.image('passing')}`, '--persist'], 'TransientDomain', { cause })
    await writeManifest(room.daemon, 'passing', { data: { path: room.at('passing'), persist: true } })
    await tells(t, room.daemon, 'data', 'TransientDomain', { vm: 'passing', cause, next: AGAIN })
    await deleteManifest(room.daemon, 'passing.yaml')
    await room.daemon.gone('passing', 'data')
    await room.host.virsh('destroy', 'passing')
  },

  PersistentDefinitionChanged: async (t, room) => {
    const { target } = await plug(room.daemon, 'vm1', 'edited', await room.image('edited'), '--persist')
    await until('it to be defined', () => diskXml(room.host, 'vm1', 'edited', '--inactive'))
    await room.host.virsh('detach-disk', 'vm1', target, '--config')
    await tells(t, room.daemon, 'edited', 'PersistentDefinitionChanged', { cause: "somebody else took it out of the domain's definition", next: 'Nothing by itself: it waits for a person.' })
    await unplug(room.daemon, 'vm1', 'edited', '--persist')
  },

  DiskRemovedByOthers: async (t, room) => {
    const daemon = await startDaemon(t, { libvirt: room.host.uri, flags: ['--call-deadline', '5m'], env: { HOTPLUGD_FAILPOINT: 'stop:after:attached' } })
    const [path, pid] = [await room.image('snatched'), await room.guest.qemuPid()]
    const asked = daemon.add('vm1', 'snatched', path)
    await stopped(daemon.pid)
    await room.host.virsh('detach-device-alias', 'vm1', 'ua-snatched', '--live')
    await until('QEMU to have let go of it', async () => !(await openFiles(pid)).includes(path) && (await diskXml(room.host, 'vm1', 'snatched')) === null)
    const goOn = stop(t, pid)
    process.kill(daemon.pid, 'SIGCONT')
    t.equal((await asked).status, 202)
    await tells(t, daemon, 'snatched', 'DiskRemovedByOthers', { cause: 'the disk of default/vm1/snatched left the domain right after it was attached', evidence: { path } })
    goOn()
    await daemon.ready('vm1', 'snatched')
    await unplug(daemon, 'vm1', 'snatched')
    await daemon.stop()
  },
} satisfies Cases<Standalone>
