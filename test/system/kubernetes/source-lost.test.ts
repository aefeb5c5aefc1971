import t from 'tap'
import { until } from '../../support/lab.ts'
import { KubernetesScene } from './scene.ts'

const scene = await KubernetesScene.start(t)
const vm = await scene.startVm()
await scene.startAgent({ flags: ['--source-lost-policy', 'Stop', '--source-lost-grace', '5s'] }) // time for the witness below to come up

/** Reasons of the Warning events of the VMI, the oldest first. */
async function warnings(): Promise<string[]> {
  const events = await scene.server.list('v1', 'Event', 'default', 'fieldSelector=type=Warning')
  return events.map(({ reason }) => String(reason))
}

void t.test('with the policy Stop a VM without its source is told, then shut down through its libvirt', async (t) => {
  const data = await scene.block('data')
  const attachment = await scene.plug(vm, [data])
  await scene.phase(vm, 'data', 'Ready')
  await vm.launcher.guest.waitForDisk('data')
  // The lab's guest knows no power button: that QEMU pressed it is told by QEMU itself.
  const pressed = vm.launcher.host.virsh('qemu-monitor-event', 'default_vm1', '--event', 'POWERDOWN', '--timeout', '60')
  await scene.server.delete(attachment.object, { gracePeriodSeconds: 0 })
  await scene.reason(vm, 'data', 'SourceNotHeld')
  await scene.reason(vm, 'data', 'StoppedForLostSource')
  await until('the Warning events', async () => {
    const told = await warnings()
    return ['SourceNotHeld', 'StoppedForLostSource'].every((reason) => told.includes(reason))
  })
  t.match(await pressed, 'POWERDOWN')
  await attachment.pod.delete()
})
