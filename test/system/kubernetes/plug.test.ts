import { readdir } from 'node:fs/promises'
import t from 'tap'
import { until } from '../../support/lab.ts'
import { metricFaults } from '../../support/promtool.ts'
import { KubernetesScene } from './scene.ts'

const scene = await KubernetesScene.start(t)
const vm = await scene.startVm()
await scene.startAgent()
const { guest } = vm.launcher

void t.test('a block volume, from the attachment pod to the guest, and back to the VMI', async (t) => {
  const data = await scene.block('data')
  const attachment = await scene.plug(vm, [data], { serial: 'PG-0001' })
  const entry = await scene.phase(vm, 'data', 'Ready')
  t.match(entry, { target: 'sda', reason: 'VolumeReady', message: 'Successfully attach hotplugged volume data to VM', hotplugVolume: { attachPodUID: attachment.object.metadata.uid } })
  t.match(await guest.waitForDisk('PG-0001'), { serial: 'PG-0001', sizeBytes: 64 << 20 })
  await guest.write('PG-0001', 4096, 'written in the guest')
  t.equal(String(await data.read(4096, 20)), 'written in the guest')
  t.match(await scene.daemon.volume('vm1', 'data'), { phase: 'Ready', target: 'sda', serial: 'PG-0001' })
  t.same((await scene.daemon.volume('vm1', 'data'))?.stages?.map(({ name }) => name), ['podReady', 'discovered', 'exposed', 'attached', 'reported'])

  const asked = await scene.daemon.ctl('addvolume', 'vm1', '--volume-name=local', `--source=${data.path}`)
  t.match(asked, { exitCode: 1, stderr: /in Kubernetes mode this API plugs and unplugs nothing[^]*virtctl addvolume/ })
  t.match((await scene.daemon.ctl('get', 'volumes', 'vm1')).stdout, /data +Ready +sda +PG-0001/)

  await vm.controller.unplug('data')
  await scene.phase(vm, 'data', 'UnMountedFromPod')
  await guest.waitForNoDisk('PG-0001')
  t.same(await readdir(vm.launcher.pod.emptyDir('hotplug-disks')), [], 'nothing of it is left')
  await scene.detach(attachment)
  await vm.controller.drop('data')
  await scene.daemon.gone('vm1', 'data')
})

void t.test('the metrics of an agent: promtool finds no fault, the runbook knows each of them, no name is a label', async (t) => {
  const { text } = await scene.daemon.call('GET', '/metrics')
  t.same(await metricFaults(text), [])
  t.match(text, /^hotplugd_role\{role="agent"\} 1$/m)
  t.match(text, /^hotplugd_api_status_writes_total\{outcome="done"\} [1-9]/m)
  t.notMatch(text, /vm1/)
  const ready = await fetch(`http://${await scene.daemon.listening()}/readyz?verbose`)
  t.match(await ready.text(), /^\[\+\]libvirts ok: 1 of 1 connected$/m, 'nor does a stranger learn one')
  t.match((await scene.daemon.call('GET', '/readyz?verbose')).text, /libvirt-default\/vm1/, 'as whoever may read does')
})

void t.test('an image, and again under its name', async (t) => {
  const files = await scene.image('files')
  for (const serial of ['first', 'second']) {
    const attachment = await scene.plug(vm, [files], { serial })
    t.match(await scene.phase(vm, 'files', 'Ready'), { target: 'sda' })
    await guest.waitForDisk(serial)
    await guest.write(serial, 0, serial)
    t.equal(String(await files.read(0, serial.length)), serial)
    await vm.controller.unplug('files')
    await scene.phase(vm, 'files', 'UnMountedFromPod')
    await guest.waitForNoDisk(serial)
    t.same(await readdir(vm.launcher.pod.emptyDir('hotplug-disks')), [])
    await scene.detach(attachment)
    await vm.controller.drop('files')
  }
})

void t.test('several in one attachment pod, a bad one among them: the others do not wait', async (t) => {
  const good = [await scene.block('b1'), await scene.image('f1'), await scene.block('b2')]
  const bad = await scene.image('bad', 0)
  const attachment = await scene.plug(vm, [...good, bad])
  for (const { name } of good) await scene.phase(vm, name, 'Ready')
  const entry = await scene.reason(vm, 'bad', 'SourceEmpty')
  t.equal(entry.phase, 'AttachedToNode', 'the phase stays')
  t.match(entry.message, /no bytes.*size/)
  await guest.waitForDisks(good.map(({ name }) => name))
  t.equal(new Set(await Promise.all(good.map(async ({ name }) => (await vm.controller.entry(name))?.target))).size, 3)

  await vm.controller.unplug('b1', 'f1', 'b2', 'bad')
  for (const { name } of good) await scene.phase(vm, name, 'UnMountedFromPod')
  await guest.waitForDisks([])
  await until('nothing of them left', async () => (await readdir(vm.launcher.pod.emptyDir('hotplug-disks'))).length === 0)
  await scene.detach(attachment)
})
