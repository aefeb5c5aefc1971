import t from 'tap'
import { until } from '../../support/lab.ts'
import { KubernetesScene } from './scene.ts'

const scene = await KubernetesScene.start(t)
const vm = await scene.startVm()
await scene.startAgent()
const { guest, host } = vm.launcher

async function acting(): Promise<string[]> {
  const { body } = await scene.daemon.call('GET', '/debug/state')
  return (body as { operations: { verb: string }[] }).operations.map(({ verb }) => verb)
}

void t.test('the API server goes away between the wish and its end: the plug goes on, and is told once it is back', async (t) => {
  const data = await scene.block('data')
  host.signal('SIGSTOP') // the attach takes as long as we like
  const attachment = await scene.plug(vm, [data])
  await until('the plug under way', async () => (await acting()).includes('plug'))
  await scene.server.kill9()
  host.signal('SIGCONT')
  await guest.waitForDisk('data')
  t.equal((await scene.daemon.call('GET', '/livez')).status, 200)
  await until('readiness to warn of it', async () => /\[!\]api-server/.test((await scene.daemon.call('GET', '/readyz?verbose')).text))
  t.equal((await scene.daemon.call('GET', '/readyz')).status, 200, 'what is known goes on')
  await scene.server.start()
  t.match(await scene.phase(vm, 'data', 'Ready'), { target: 'sda', reason: 'VolumeReady' })
  t.match((await scene.daemon.call('GET', '/debug/state')).body, {
    role: { role: 'agent', running: 'agent' }, plan: [{ do: 'rest' }],
    cluster: { watches: [{ name: 'vmis', synced: true, ageMs: Number }, { name: 'pods', synced: true }, { name: 'kubevirts' }], writes: { writes: Number, conflicts: Number } },
  })

  await scene.server.kill9()
  await scene.server.start()
  await vm.controller.unplug('data')
  await scene.phase(vm, 'data', 'UnMountedFromPod')
  await guest.waitForNoDisk('data')
  await scene.detach(attachment)
  await vm.controller.drop('data')
})

void t.test('an agent that starts without an API server takes nothing away, and goes on once it is there', async (t) => {
  const kept = await scene.image('kept')
  const attachment = await scene.plug(vm, [kept])
  await scene.phase(vm, 'kept', 'Ready')
  await guest.waitForDisk('kept')
  await scene.daemon.kill9()
  await scene.server.kill9()
  await scene.spawnAgent()
  await until('an agent that lives and is not ready', async () => {
    const { status, text } = await scene.daemon.call('GET', '/readyz?verbose').catch(() => ({ status: 0, text: '' }))
    return status === 503 && /api-server: .*not read yet/.test(text)
  })
  t.equal((await scene.daemon.call('GET', '/livez')).status, 200)
  t.match(await vm.launcher.host.virsh('dumpxml', 'default_vm1'), /ua-kept/)
  await scene.server.start()
  await scene.daemon.waitReady()
  await guest.write('kept', 0, 'kept')
  t.match(await scene.daemon.volume('vm1', 'kept'), { phase: 'Ready', target: 'sda' })
  await vm.controller.unplug('kept')
  await scene.phase(vm, 'kept', 'UnMountedFromPod')
  await scene.detach(attachment)
})
