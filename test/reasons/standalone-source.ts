import { mkdir, open, rename, symlink } from 'node:fs/promises'
import type { Test } from 'tap'
import type { Reason } from '../../src/errors.ts'
import { startDaemon } from '../support/daemon.ts'
import { makeBlockDevice, run } from '../support/lab.ts'
import { MIB, plug, unplug } from '../system/user-scene.ts'
import { AGAIN, type Cases, tells, type Told } from './case.ts'
import type { Standalone } from './standalone.ts'
import { stop, stopped } from './stopped.ts'

const O_EXCL = 0o200

/** A volume whose source cannot be had; its evidence names the path. */
async function isKeptOut(t: Test, room: Standalone, reason: Reason, source: { path: string; format?: string } & Omit<Told, 'next' | 'evidence'>): Promise<void> {
  const { path, format, ...told } = source
  const volume = `of-${reason.toLowerCase()}`
  await room.want(t, volume, { path, ...(format && { format }) })
  const { evidence } = await tells(t, room.daemon, volume, reason, { ...told, next: AGAIN })
  t.match(String(evidence['path']), path, 'the evidence names the path')
}

/** What the source itself is the cause of. */
export const SOURCE = {
  SourceMissing: async (t, room) => {
    await symlink(room.at('nowhere'), room.at('dangling'))
    await isKeptOut(t, room, 'SourceMissing', { path: room.at('dangling'), cause: `${room.at('dangling')} is a link to ${room.at('nowhere')}, which is not there` })
  },

  ImageMissing: async (t, room) => {
    await mkdir(room.at('without'))
    await isKeptOut(t, room, 'ImageMissing', { path: room.at('without'), cause: `the directory ${room.at('without')} holds no disk.img` })
  },

  SourceNotSupported: async (t, room) => {
    await run('mkfifo', [room.at('fifo')])
    await isKeptOut(t, room, 'SourceNotSupported', { path: room.at('fifo'), cause: `${room.at('fifo')} is a FIFO` })
  },

  SourceEmpty: async (t, room) => {
    await isKeptOut(t, room, 'SourceEmpty', { path: await room.image('empty', 0), cause: `${room.at('empty')} has no bytes` })
  },

  SourceUnreadable: async (t, room) => {
    await symlink('round', room.at('round'))
    await isKeptOut(t, room, 'SourceUnreadable', { path: room.at('round'), cause: /ELOOP/ })
  },

  UnsafePath: async (t, room) => {
    await mkdir(room.at('below'))
    await symlink('/etc/shadow', room.at('below/disk.img'))
    await isKeptOut(t, room, 'UnsafePath', { path: room.at('below'), cause: 'disk.img is a symbolic link to /etc/shadow, not a regular file of that directory' })
  },

  ImageFormatMismatch: async (t, room) => {
    await isKeptOut(t, room, 'ImageFormatMismatch', { path: await room.image('raw', MIB), format: 'qcow2', cause: 'it does not begin as a qcow2 image does' })
  },

  ImageReferencesFile: async (t, room) => {
    const overlay = room.at('overlay')
    await run('qemu-img', ['create', '-q', '-f', 'qcow2', '-b', await room.image('backing'), '-F', 'raw', overlay])
    await isKeptOut(t, room, 'ImageReferencesFile', { path: overlay, format: 'qcow2', cause: `the qcow2 image ${overlay} has a backing file` })
  },

  SourceInUse: async (t, room) => {
    await plug(room.daemon, 'vm1', 'first', await room.image('shared'))
    await isKeptOut(t, room, 'SourceInUse', { path: room.at('shared'), cause: /shared \(file \S+ inode \d+\) is in use by volume first of default\/vm1$/ })
    await unplug(room.daemon, 'vm1', 'first')
  },

  SourceInUseByHost: async (t, room) => {
    const { path } = await makeBlockDevice(MIB, t)
    await using _held = await open(path, O_EXCL)
    await isKeptOut(t, room, 'SourceInUseByHost', { path, cause: `${path} is in use by the host: ${path} is held exclusively by another program` })
  },

  SourceChanged: async (t, room) => {
    const [path, other] = [await room.image('old'), await room.image('new')]
    const daemon = await startDaemon(t, { libvirt: room.host.uri, flags: ['--call-deadline', '5m'], env: { HOTPLUGD_FAILPOINT: 'stop:after:exposing' } })
    const asked = daemon.add('vm1', 'swapped', path)
    await stopped(daemon.pid)
    await rename(other, path)
    const goOn = stop(t, await room.guest.qemuPid())
    process.kill(daemon.pid, 'SIGCONT')
    t.equal((await asked).status, 202)
    await tells(t, daemon, 'swapped', 'SourceChanged', { cause: /^\S+old leads to file \S+ inode \d+ now, not to file \S+ inode \d+$/, next: /./, evidence: { path } })
    goOn()
    await daemon.ready('vm1', 'swapped')
    await unplug(daemon, 'vm1', 'swapped')
    await daemon.stop()
  },
} satisfies Cases<Standalone>
