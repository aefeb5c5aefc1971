import { startDaemon } from '../support/daemon.ts'
import { until } from '../support/lab.ts'
import { deleteManifest, writeManifest } from '../system/manifest.ts'
import { plug, unplug } from '../system/user-scene.ts'
import { type Cases, refuses, tells } from './case.ts'
import type { Standalone } from './standalone.ts'

/** `hotplugctl addvolume` to vm1. */
const add = (volume: string, source: string, ...flags: readonly string[]): string[] => ['addvolume', 'vm1', `--volume-name=${volume}`, `--source=${source}`, ...flags]
const remove = (volume: string, ...flags: readonly string[]): string[] => ['removevolume', 'vm1', `--volume-name=${volume}`, ...flags]

/** What is wrong with the wish itself: the answer to the request says so. */
export const WISH = {
  HotplugDisabled: async (t, room) => {
    const daemon = await startDaemon(t, { libvirt: room.host.uri, flags: ['--hotplug=false'] })
    const cause = 'hotplug is switched off'
    await refuses(t, daemon, add('gated', await room.image('gated')), 'HotplugDisabled', { cause: `volume gated is not plugged: ${cause}` })
    await writeManifest(daemon, 'vm1', { gated: room.at('gated') })
    await tells(t, daemon, 'gated', 'HotplugDisabled', { cause })
    await deleteManifest(daemon, 'vm1.yaml')
    await daemon.gone('vm1', 'gated')
    await daemon.stop()
  },

  InvalidRequest: async (t, room) => {
    const line = add('clash', await room.image('clash'), '--io=native', '--cache=writeback')
    await refuses(t, room.daemon, line, 'InvalidRequest', { cause: 'io native needs cache none, found cache writeback' })
  },

  InvalidName: async (t, room) => {
    await refuses(t, room.daemon, add('Upper_Case', await room.image('name')), 'InvalidName', { cause: 'Upper_Case' })
  },

  InvalidSerial: async (t, room) => {
    await refuses(t, room.daemon, add('serial', await room.image('serial'), `--serial=${'x'.repeat(37)}`), 'InvalidSerial', { cause: /x{37}.*37 bytes|37 bytes.*x{37}/ })
  },

  UnsupportedBus: async (t, room) => {
    await refuses(t, room.daemon, add('bus', await room.image('bus'), '--bus=virtio'), 'UnsupportedBus', { cause: "disk.disk.bus: found 'virtio', allowed: scsi" })
  },

  UnsupportedDisk: async (t, room) => {
    await refuses(t, room.daemon, add('lun', await room.image('lun'), '--disk-type=lun'), 'UnsupportedDisk', { cause: 'disk.lun is not supported for a hot-plugged volume' })
  },

  NameTaken: async (t, room) => {
    await plug(room.daemon, 'vm1', 'taken', await room.image('taken'))
    await refuses(t, room.daemon, add('taken', await room.image('other')), 'NameTaken', { cause: 'default/vm1 has a volume named taken already' })
    await unplug(room.daemon, 'vm1', 'taken')
  },

  SourceTaken: async (t, room) => {
    await plug(room.daemon, 'vm1', 'holder', await room.image('source'))
    await refuses(t, room.daemon, add('second', room.at('source')), 'SourceTaken', { cause: `${room.at('source')} is volume holder of default/vm1 already` })
    await unplug(room.daemon, 'vm1', 'holder')
  },

  NotHotplugged: async (t, room) => {
    await room.host.virsh('attach-disk', 'vm1', await room.image('ordinary'), 'sdx', '--live', '--targetbus', 'scsi', '--driver', 'qemu')
    await until('it to be listed', async () => (await room.daemon.volumes('vm1')).some(({ target }) => target === 'sdx'))
    t.match((await room.daemon.ctl('explain', 'vm1', 'sdx')).stdout, /^sdx is an ordinary disk of default\/vm1 \(sdx\)\.\n {2}Reason: +NotHotplugged\n/)
    await refuses(t, room.daemon, remove('sdx'), 'NotHotplugged', { cause: 'sdx of default/vm1 was not hot-plugged' })
    await room.host.virsh('detach-disk', 'vm1', 'sdx', '--live')
  },

  VolumeNotFound: async (t, room) => {
    await refuses(t, room.daemon, remove('nothing'), 'VolumeNotFound', { cause: 'default/vm1 has no volume nothing' })
    await refuses(t, room.daemon, ['explain', 'vm1', 'nothing'], 'VolumeNotFound', { cause: 'default/vm1 has no volume "nothing"' })
  },

  OwnedByManifest: async (t, room) => {
    await room.want(t, 'written', await room.image('written'))
    await room.daemon.ready('vm1', 'written')
    await refuses(t, room.daemon, remove('written'), 'OwnedByManifest', { cause: `comes from manifest ${room.daemon.directories.manifests}/vm1.yaml` })
  },

  PersistRequired: async (t, room) => {
    await plug(room.daemon, 'vm1', 'kept', await room.image('kept'), '--persist')
    await refuses(t, room.daemon, remove('kept'), 'PersistRequired', { cause: 'volume kept is in the persistent definition' })
    await unplug(room.daemon, 'vm1', 'kept', '--persist')
  },

  NotPersisted: async (t, room) => {
    await plug(room.daemon, 'vm1', 'loose', await room.image('loose'))
    await refuses(t, room.daemon, remove('loose', '--persist'), 'NotPersisted', { cause: 'volume loose is not in the persistent definition' })
    await unplug(room.daemon, 'vm1', 'loose')
  },

  UnknownNamespace: async (t, room) => {
    await refuses(t, room.daemon, [...add('data', '/dev/null'), '--namespace=other'], 'UnknownNamespace', { cause: 'namespace "other" is not known; known: default' })
  },
} satisfies Cases<Standalone>
