import { randomUUID } from 'node:crypto'
import { open, truncate } from 'node:fs/promises'
import { run, until } from '../support/lab.ts'
import { startAsNobody } from '../system/as-nobody.ts'
import { attachForeign, detachForeign } from '../system/foreign-disk.ts'
import { holdOpen, letGo } from '../system/held-open.ts'
import { MIB, plug, unplug } from '../system/user-scene.ts'
import { AGAIN, UNDER_WAY, type Cases, tells } from './case.ts'
import type { Standalone } from './standalone.ts'
import { stop } from './stopped.ts'

const L1_TABLE_OFFSET = 40

/** A block job that keeps QEMU busy with the disk until it is aborted. */
async function startJob(room: Standalone, target: string): Promise<() => Promise<unknown>> {
  const { host } = room
  await host.virsh('blockcopy', 'vm1', target, '--dest', room.at(`copy-of-${target}-${randomUUID()}`), '--format', 'raw', '--transient-job')
  return () => host.virsh('blockjob', 'vm1', target, '--abort')
}

/** A qcow2 image whose header is good, and whose table lies where none can be. */
async function makeBroken(path: string): Promise<string> {
  await run('qemu-img', ['create', '-q', '-f', 'qcow2', path, '1M'])
  await using file = await open(path, 'r+')
  await file.write(Buffer.from([0, 0, 0, 0, 0, 0, 0, 1]), 0, 8, L1_TABLE_OFFSET)
  return path
}

/** What libvirt or QEMU is the cause of. */
export const LIBVIRT = {
  LibvirtUnavailable: async (t, room) => {
    await plug(room.daemon, 'vm1', 'away', await room.image('away'))
    await room.host.kill9()
    const { evidence } = await tells(t, room.daemon, 'away', 'LibvirtUnavailable', { cause: /^libvirt does not answer: \S/, next: /^It is connected again within a second of its return/ })
    t.match(evidence['libvirt'], /\w/, 'in its own words')
    await room.host.restart()
    await room.daemon.ready('vm1', 'away')
    await unplug(room.daemon, 'vm1', 'away')
  },

  AttachRefused: async (t, room) => {
    const path = await makeBroken(room.at('broken'))
    await room.want(t, 'broken', { path, format: 'qcow2' })
    await tells(t, room.daemon, 'broken', 'AttachRefused', { cause: /libvirt refused to attach \S+broken to default\/vm1: .*L1 table/s, next: AGAIN, evidence: { path, code: /^VIR_ERR_/ } })
  },

  DetachRefused: async (t, room) => {
    const { target } = await plug(room.daemon, 'vm1', 'busy', await room.image('busy'))
    const abort = await startJob(room, target)
    await room.daemon.remove('vm1', 'busy')
    await tells(t, room.daemon, 'busy', 'DetachRefused', { cause: /was not taken out: .*block job/, next: AGAIN, evidence: { target, code: /^VIR_ERR_/ } })
    await abort()
    await room.daemon.gone('vm1', 'busy')
  },

  DetachPending: async (t, room) => {
    const { target } = await plug(room.daemon, 'vm1', 'slow', await room.image('slow'))
    const goOn = stop(t, await room.guest.qemuPid())
    await room.daemon.remove('vm1', 'slow')
    await tells(t, room.daemon, 'slow', 'DetachPending', { cause: `the removal of ${target} from default/vm1 was due a second ago, and libvirt has not answered yet`, next: UNDER_WAY, evidence: { target } })
    goOn()
    await room.daemon.gone('vm1', 'slow')
  },

  StillOpen: async (t, room) => {
    const path = await room.image('open')
    await plug(room.daemon, 'vm1', 'open', path)
    await holdOpen(room.host, path)
    await room.daemon.remove('vm1', 'open')
    const pid = await room.guest.qemuPid()
    await tells(t, room.daemon, 'open', 'StillOpen', { cause: `${path} is still open in the QEMU of default/vm1 (pid ${pid})`, next: AGAIN, evidence: { path, pid } })
    await letGo(room.host)
    await room.daemon.gone('vm1', 'open')
  },

  DiskMismatch: async (t, room) => {
    const disk = { path: await room.image('foreign'), target: 'sdf', alias: 'ua-mine' }
    await attachForeign(room.host, disk)
    await room.want(t, 'mine', await room.image('mine'))
    await tells(t, room.daemon, 'mine', 'DiskMismatch', { cause: `sdf of default/vm1 has this volume's name but was not plugged by hotplugd: its source is ${disk.path}, not ${room.at('mine')}`, next: AGAIN })
    await detachForeign(room.host, disk)
    await room.daemon.ready('vm1', 'mine')
  },

  OutcomeUncertain: async (t, room) => {
    const daemon = await room.impatient()
    const goOn = stop(t, await room.guest.qemuPid())
    const image = await room.image('unsure')
    await until('the request to be taken', async () => (await daemon.add('vm1', 'unsure', image)).status === 202)
    await tells(t, daemon, 'unsure', 'OutcomeUncertain', { cause: /^attach of default\/vm1\/unsure: \S/, next: UNDER_WAY, evidence: { path: room.at('unsure') } })
    goOn()
    await daemon.ready('vm1', 'unsure')
    await unplug(daemon, 'vm1', 'unsure')
  },

  PersistFailed: async (t, room) => {
    const disk = { path: await room.image('other'), target: 'sdg', alias: 'ua-defined', scope: 'config' } as const
    await attachForeign(room.host, disk)
    await room.want(t, 'defined', { path: await room.image('defined'), persist: true })
    await tells(t, room.daemon, 'defined', 'PersistFailed', { cause: /^the definition of default\/vm1 has another disk under this volume's name: /, next: AGAIN, remedy: /virsh detach-device-alias/ })
    t.match(await room.daemon.volume('vm1', 'defined'), { remedy: /virsh detach-device-alias/ }, 'the status has the same remedy')
    await detachForeign(room.host, disk)
    await room.daemon.ready('vm1', 'defined')
  },

  ResizeFailed: async (t, room) => {
    const path = await room.image('growing')
    const { target } = await plug(room.daemon, 'vm1', 'growing', path)
    const abort = await startJob(room, target)
    await truncate(path, 2 * MIB)
    await tells(t, room.daemon, 'growing', 'ResizeFailed', { cause: /did not take the new size of \w+ of default\/vm1: .*(in use|busy)/i, next: AGAIN, evidence: { path, sizeBytes: 2 * MIB } })
    await abort()
    await room.daemon.reason('vm1', 'growing', 'VolumeReady')
    await unplug(room.daemon, 'vm1', 'growing')
  },

  PermissionDenied: async (t) => {
    const { daemon, image } = await startAsNobody(t, 0)
    await daemon.add('vm1', 'data', image)
    await tells(t, daemon, 'data', 'PermissionDenied', { cause: /libvirt refused to attach .*Permission denied/s, next: AGAIN, evidence: { path: image } })
    await daemon.stop()
  },
} satisfies Cases<Standalone>
