import { rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { startDaemon } from '../support/daemon.ts'
import { until } from '../support/lab.ts'
import { deleteManifest, writeManifest } from './manifest.ts'
import { ctl, diskXml, makeDirectory, makeFile, MIB, plug, startScene, unplug } from './user-scene.ts'

/** Longer than an unplug takes, so that what stays has really stayed. */
const STAYED_MS = 1_500

const scene = await startScene(t)
const { host, guest } = scene
let { daemon } = scene
const { state, run } = daemon.directories
const directory = await makeDirectory(t)
const image = (name: string): Promise<string> => makeFile(join(directory, name), MIB)

async function restart(meanwhile: () => Promise<void>): Promise<void> {
  await daemon.stop()
  await meanwhile()
  daemon = await startDaemon(t, { libvirt: host.uri, directories: daemon.directories })
}

t.test('a state directory that is not there (not mounted) takes no disk away', async (t) => {
  await plug(daemon, 'vm1', 'asked', await image('asked'))
  await plug(daemon, 'vm1', 'kept', await image('kept'), '--persist')
  await writeManifest(daemon, 'vm1', { written: await image('written') })
  await guest.waitForDisks(['asked', 'kept', 'written'])
  await restart(() => rename(state, `${state}.aside`))
  await sleep(STAYED_MS)
  t.equal((await guest.disks()).length, 3)
  t.ok(await diskXml(host, 'vm1', 'kept', '--inactive'))
  for (const name of ['asked', 'kept', 'written']) t.match(await daemon.volume('vm1', name), { phase: 'Ready' }, name)
})

t.test('it is said, with what to do', async (t) => {
  const { stderr } = await daemon.ctl('get', 'volumes')
  t.match(stderr, `warning: ${state} is not the state directory that the volumes of this host were plugged from`)
  t.match(stderr, `delete ${run}/state-identity and restart hotplugd`)
  t.match(await ctl(daemon, 'explain', 'vm1', 'asked'), /^asked is in the guest as sda, serial asked; the volume is wanted no more, as far as can be seen/)
})

t.test('what manifests say no more is not believed either, new wishes are', async (t) => {
  await deleteManifest(daemon, 'vm1.yaml')
  await sleep(STAYED_MS)
  t.match(await daemon.volume('vm1', 'written'), { phase: 'Ready' })
  await plug(daemon, 'vm1', 'new', await image('new'))
})

t.test('restored, all is as before, and what was removed goes', async (t) => {
  await restart(async () => {
    await rm(state, { recursive: true })
    await rename(`${state}.aside`, state)
  })
  await daemon.gone('vm1', 'written')
  await daemon.gone('vm1', 'new')
  for (const name of ['asked', 'kept']) t.match(await daemon.reason('vm1', name, 'VolumeReady'), { phase: 'Ready', origin: 'request' })
  t.equal((await daemon.ctl('get', 'vmis')).stderr, '')
  await unplug(daemon, 'vm1', 'kept', '--persist')
})

t.test('lost for good: removed once a person says so', async () => {
  await restart(() => rm(state, { recursive: true }))
  await until('the warning', async () => (await daemon.ctl('get', 'vmis')).stderr !== '')
  await restart(() => rm(join(run, 'state-identity')))
  await daemon.gone('vm1', 'asked')
  await guest.waitForDisks([])
})
