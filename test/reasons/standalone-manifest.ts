import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Test } from 'tap'
import type { Explanation } from '../../src/model/explanation.ts'
import { type Daemon, startDaemon } from '../support/daemon.ts'
import { until } from '../support/lab.ts'
import { deleteManifest, manifestPath, manifestText, writeManifest } from '../system/manifest.ts'
import { type Cases, tells } from './case.ts'
import type { Standalone } from './standalone.ts'

/** Whoever asks about the volume, or lists VMs, is told what is wrong with what asked for it. */
async function isToldBesides(t: Test, daemon: Daemon, volume: string, words: RegExp): Promise<void> {
  await until(`explain to say ${words}`, async () => {
    const { stdout } = await daemon.ctl('explain', 'vm1', volume, '-o', 'json')
    return (JSON.parse(stdout) as Explanation).besides.some((one) => words.test(one))
  })
  t.match((await daemon.ctl('explain', 'vm1', volume)).stdout, new RegExp(`Besides: +${words.source}`))
  t.match((await daemon.ctl('get', 'vmis')).stdout, / (ManifestInvalid|ManifestConflict)/)
}

/** Plugs a volume of a manifest, and stops the daemon. */
async function plugAndStop(t: Test, room: Standalone, volume: string): Promise<Daemon> {
  const daemon = await startDaemon(t, { libvirt: room.host.uri })
  await writeManifest(daemon, 'vm1', { [volume]: await room.image(volume) })
  await daemon.ready('vm1', volume)
  await daemon.stop()
  return daemon
}

/** What manifests are the cause of. */
export const MANIFEST = {
  ManifestInvalid: async (t, room) => {
    await room.want(t, 'listed', await room.image('listed'))
    await room.daemon.ready('vm1', 'listed')
    const path = manifestPath(room.daemon, 'vm1.yaml')
    await writeFile(path, manifestText('vm1', { listed: room.at('listed') }).replace('spec:', 'spek:'))
    await isToldBesides(t, room.daemon, 'listed', /ManifestInvalid: \S*vm1\.yaml:\d+:\d+: .*spek/)
  },

  ManifestConflict: async (t, room) => {
    await room.want(t, 'twice', await room.image('twice'))
    await room.daemon.ready('vm1', 'twice')
    await writeManifest(room.daemon, 'vm1', { twice: room.at('twice') }, 'copy.yaml')
    await isToldBesides(t, room.daemon, 'twice', /ManifestConflict: \S*(?:copy|vm1)\.yaml and \S*(?:copy|vm1)\.yaml are both for the VM default\/vm1/)
    await deleteManifest(room.daemon, 'copy.yaml')
  },

  ManifestsUnreadable: async (t, room) => {
    const { directories } = await plugAndStop(t, room, 'doubtful')
    const ledger = join(directories.state, 'manifests.json')
    await writeFile(ledger, '{')
    await rm(join(directories.manifests, 'vm1.yaml'))
    const daemon = await startDaemon(t, { libvirt: room.host.uri, directories })
    const { besides } = await tells(t, daemon, 'doubtful', 'ManifestsUnreadable', { cause: 'what asked for it could not be read whole', evidence: { path: room.at('doubtful') } })
    t.match(besides, [`ManifestsUnreadable: ${ledger} cannot be used: `], 'the file is named')
    await daemon.stop()
    await rm(ledger)
    const mended = await startDaemon(t, { libvirt: room.host.uri, directories })
    await mended.gone('vm1', 'doubtful')
    await mended.stop()
  },

  StateReplaced: async (t, room) => {
    const { directories } = await plugAndStop(t, room, 'forgotten')
    await rm(directories.state, { recursive: true })
    await rm(join(directories.manifests, 'vm1.yaml'))
    const daemon = await startDaemon(t, { libvirt: room.host.uri, directories })
    const { besides } = await tells(t, daemon, 'forgotten', 'ManifestsUnreadable', { cause: 'what asked for it could not be read whole' })
    t.match(besides, [`StateReplaced: ${directories.state} is not the state directory that the volumes of this host were plugged from`])
    t.match((await daemon.ctl('get', 'vmis')).stderr, `delete ${directories.run}/state-identity and restart hotplugd`)
    await daemon.stop()
    await rm(join(directories.run, 'state-identity'))
    const mended = await startDaemon(t, { libvirt: room.host.uri, directories })
    await mended.gone('vm1', 'forgotten')
    await mended.stop()
  },
} satisfies Cases<Standalone>
