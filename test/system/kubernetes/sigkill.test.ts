import { readdir } from 'node:fs/promises'
import t, { type Test } from 'tap'
import { PLUG_STEPS, UNPLUG_STEPS } from '../../../src/model/steps.ts'
import { until } from '../../support/lab.ts'
import { type Attachment, KubernetesScene, type SceneVm, type Storage } from './scene.ts'

/** Every journalled step, from the code: one that is never reached fails here. */
const WHENS = ['before', 'after'] as const

let scene: KubernetesScene
let vm: SceneVm
let storages: Readonly<Record<string, Storage>>

t.before(async () => {
  scene = await KubernetesScene.start(t)
  vm = await scene.startVm()
  storages = { block: await scene.block('block'), image: await scene.image('image') }
})

for (const kind of ['block', 'image']) {
  for (const when of WHENS) {
    for (const step of PLUG_STEPS) void t.test(`${kind}: killed ${when} ${step}, plugged all the same`, (t) => killedWhilePlugging(t, kind, `${when}:${step}`))
    for (const step of UNPLUG_STEPS) void t.test(`${kind}: killed ${when} ${step}, unplugged all the same`, (t) => killedWhileUnplugging(t, kind, `${when}:${step}`))
  }
}

async function killedWhilePlugging(t: Test, kind: string, failpoint: string): Promise<void> {
  const storage = named(kind)
  await scene.startAgent({ env: { HOTPLUGD_FAILPOINT: failpoint } })
  const attachment = await scene.plug(vm, [storage], { serial: 'SER' })
  await died(t, failpoint)
  await scene.startAgent()
  await isIn(t, storage)
  await vm.controller.unplug(kind)
  await isOut(t, storage, attachment)
}

async function killedWhileUnplugging(t: Test, kind: string, failpoint: string): Promise<void> {
  const storage = named(kind)
  await scene.startAgent({ env: { HOTPLUGD_FAILPOINT: failpoint } })
  const attachment = await scene.plug(vm, [storage], { serial: 'SER' })
  await isIn(t, storage)
  await vm.controller.unplug(kind)
  await died(t, failpoint)
  await scene.startAgent()
  await isOut(t, storage, attachment)
}

function named(kind: string): Storage {
  const storage = storages[kind]
  if (storage === undefined) throw new Error(kind)
  return storage
}

async function died(t: Test, failpoint: string): Promise<void> {
  await scene.daemon.waitEnd()
  t.equal(scene.daemon.child.signalCode, 'SIGKILL', `died at ${failpoint}`)
}

async function isIn(t: Test, { name }: Storage): Promise<void> {
  t.match(await scene.phase(vm, name, 'Ready'), { target: 'sda', reason: 'VolumeReady' })
  await vm.launcher.guest.waitForDisk('SER')
  t.same((await vm.launcher.guest.disks()).map(({ serial }) => serial), ['SER'], 'the guest has it exactly once')
}

/** Out of the guest, the domain, the launcher's directory and its mounts, and so told. */
async function isOut(t: Test, { name }: Storage, attachment: Attachment): Promise<void> {
  await scene.phase(vm, name, 'UnMountedFromPod')
  await vm.launcher.guest.waitForNoDisk('SER')
  t.equal(await vm.launcher.guest.ioErrors(), 0, 'no I/O error in the guest')
  t.notMatch(await vm.launcher.host.virsh('dumpxml', 'default_vm1'), /ua-/)
  t.same(await readdir(vm.launcher.pod.emptyDir('hotplug-disks')), [])
  await scene.detach(attachment)
  await vm.controller.drop(name)
  await until('nothing known of it', async () => (await scene.daemon.volume('vm1', name)) === undefined)
  await scene.daemon.stop()
}
