import { mkdir, symlink } from 'node:fs/promises'
import type { Test } from 'tap'
import { run } from '../support/lab.ts'
import { MIB } from '../system/user-scene.ts'
import { type Cases, tells, type Told } from './case.ts'
import type { Standalone } from './standalone.ts'
import type { Reason } from '../../src/errors.ts'

/** Looked up again after a while. */
const AGAIN = /^plug is tried again in [\d.]+ s/

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
} satisfies Cases<Standalone>
