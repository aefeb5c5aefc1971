import { join } from 'node:path'
import t from 'tap'
import { startDaemon } from '../support/daemon.ts'
import { deleteManifest, writeManifest } from './manifest.ts'
import { makeDirectory, makeFile, MIB, plug, startScene, unplug } from './user-scene.ts'

const { host, guest, daemon: open } = await startScene(t)
const directory = await makeDirectory(t)
const image = (name: string): Promise<string> => makeFile(join(directory, name), MIB)

t.test('the feature gate off: nothing new is plugged, what is plugged stays, unplugging works', async (t) => {
  await plug(open, 'vm1', 'asked', await image('asked'))
  await writeManifest(open, 'vm1', { written: await image('written') })
  await open.ready('vm1', 'written')
  await open.stop()
  const daemon = await startDaemon(t, { libvirt: host.uri, directories: open.directories, flags: ['--hotplug=false'] })
  for (const name of ['asked', 'written']) t.match(await daemon.volume('vm1', name), { phase: 'Ready' })

  t.match(await daemon.add('vm1', 'new', await image('new')), { status: 400, body: { message: 'Enable DeclarativeHotplugVolumes or HotplugVolumes feature gate to use this API.' } })
  t.match(await daemon.ctl('addvolume', 'vm1', '--volume-name=new', `--source=${directory}/new`), {
    exitCode: 1,
    stderr: 'error: volume new is not plugged: hotplug is switched off (HotplugDisabled)\n  remedy: Set hotplug: true in the configuration of hotplugd and restart it.\n',
  })
  await writeManifest(daemon, 'vm1', { written: join(directory, 'written'), more: await image('more') })
  t.match(await daemon.reason('vm1', 'more', 'HotplugDisabled'), { phase: 'Pending', message: /^hotplug is switched off\. Set hotplug: true/ })

  await unplug(daemon, 'vm1', 'asked')
  await deleteManifest(daemon, 'vm1.yaml')
  await daemon.gone('vm1', 'written')
  await guest.waitForDisks([])
  await daemon.stop()
})

t.test('on again: what is wanted comes in', async (t) => {
  await writeManifest(open, 'vm1', { more: join(directory, 'more') })
  const daemon = await startDaemon(t, { libvirt: host.uri, directories: open.directories })
  await daemon.ready('vm1', 'more')
  await guest.waitForDisks(['more'])
})
