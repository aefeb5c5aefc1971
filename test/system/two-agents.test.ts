import t from 'tap'
import { daemonDirectories, spawnDaemon, startDaemon } from '../support/daemon.ts'
import { until } from '../support/lab.ts'
import { actsOf, hasExactly, leave, makeImages, openScene } from './fault-scene.ts'

t.test('two agents on one run directory: the second waits, and takes over when the first is killed', async (t) => {
  const scene = await openScene(t)
  const names = ['vol0', 'vol1', 'vol2', 'vol3']
  const paths = await makeImages(scene.directory, 'vol', names.length)
  const options = { libvirt: scene.host.uri, directories: await daemonDirectories(t) }
  const first = await startDaemon(t, options)
  const second = await spawnDaemon(t, options)
  await until('the second to wait', async () => (await first.log()).includes('another hotplugd runs here, waiting for it to end'))
  t.match(await first.log(), `"pid":${first.pid},`, 'it names the one it waits for')

  await Promise.all(names.map((name, i) => first.add('vm1', name, paths[i] ?? '')))
  await first.ready('vm1', 'vol0')
  await first.kill9()
  await second.waitReady()
  await Promise.all(names.map((name) => second.ready('vm1', name)))
  await hasExactly(t, scene, names)
  const plugs = (await actsOf(second, 'plug')).map(({ volume }) => volume)
  t.same(plugs, [...new Set(plugs)], 'no volume was plugged twice')
  t.same(await actsOf(second, 'unplug'), [], 'nothing was unplugged')
  await leave(t, scene, second, names)
})

t.test('a waiting agent that is told to stop ends at once, and the first goes on', async (t) => {
  const scene = await openScene(t)
  const [path = ''] = await makeImages(scene.directory, 'vol', 1)
  const options = { libvirt: scene.host.uri, directories: await daemonDirectories(t) }
  const first = await startDaemon(t, options)
  const second = await spawnDaemon(t, options)
  await until('the second to wait', async () => (await first.log()).includes('waiting for it to end'))
  await second.stop()
  t.equal(second.child.exitCode, 0)
  await first.add('vm1', 'vol0', path)
  await first.ready('vm1', 'vol0')
  await hasExactly(t, scene, ['vol0'])
  await leave(t, scene, first, ['vol0'])
})
