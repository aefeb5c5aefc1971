import { lstat, mkdir, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { attachmentPod, podStatus } from '../../support/kubernetes/lab.ts'
import { run, until } from '../../support/lab.ts'
import { KubernetesScene, NODE } from './scene.ts'

const scene = await KubernetesScene.start(t)
const vm = await scene.startVm()
await scene.startAgent()

void t.test('a pod that only looks like an attachment pod holds nothing', async () => {
  const data = await scene.block('data')
  const forged = attachmentPod(vm.pod, [{ volume: 'data', claim: data.claim, mode: 'Block' }], { node: NODE, running: false })
  const owner = { ...forged.metadata.ownerReferences?.[0], uid: '00000000-0000-4000-8000-000000000000' }
  const made = await scene.server.create({ ...forged, metadata: { ...forged.metadata, ownerReferences: [owner] } } as typeof forged)
  await scene.server.patchStatus(made, { status: podStatus('hotplug-disk', true) })
  await vm.controller.plug({ name: 'data' })
  await vm.controller.attachedToNode('data', { name: made.metadata.name, uid: made.metadata.uid })
  await until('the pod refused', async () => {
    const volume = await scene.daemon.volume('vm1', 'data')
    return volume?.reason === 'AwaitingController' && /is not known on this node or does not hold claim data/.test(volume.message ?? '')
  })
  const real = await scene.attach(vm, [data])
  await scene.nameAttachment(vm, [data], real)
  await scene.phase(vm, 'data', 'Ready')
  await vm.controller.unplug('data')
  await scene.phase(vm, 'data', 'UnMountedFromPod')
  await scene.detach(real)
  await vm.controller.drop('data')
})

void t.test('disk.img that is a link, a FIFO or a directory is refused, and told what was found', async (t) => {
  const image = await scene.image('trap')
  const file = join(image.path, 'disk.img')
  const makers: Readonly<Record<string, () => Promise<unknown>>> = {
    'symbolic link': () => symlink('/etc/shadow', file),
    FIFO: () => run('mkfifo', [file]),
    directory: () => mkdir(file),
  }
  const attachment = await scene.plug(vm, [image])
  await scene.phase(vm, 'trap', 'Ready')
  await vm.controller.unplug('trap')
  await scene.phase(vm, 'trap', 'UnMountedFromPod')
  await rename(file, `${file}.good`)
  for (const [what, make] of Object.entries(makers)) {
    await make()
    await vm.controller.drop('trap')
    await vm.controller.plug({ name: 'trap' })
    await scene.nameAttachment(vm, [image], attachment)
    const entry = await until(`a refusal of the ${what}`, async () => {
      const found = await vm.controller.entry('trap')
      return found?.message?.includes(what) ? found : undefined
    })
    t.match(entry, { phase: 'AttachedToNode', reason: 'UnsafePath' })
    await rm(file, { recursive: true })
    await vm.controller.unplug('trap')
    await scene.daemon.gone('vm1', 'trap')
  }
  t.same(await readdir(vm.launcher.pod.emptyDir('hotplug-disks')), [])
  await vm.controller.drop('trap')
  await scene.detach(attachment)
})

void t.test("what a tenant puts in the launcher's directory is neither followed nor taken away", async (t) => {
  const directory = vm.launcher.pod.emptyDir('hotplug-disks')
  const outside = join(scene.directories.base, 'outside')
  await writeFile(outside, 'untouched')
  await symlink(outside, join(directory, 'swap.img'))
  const image = await scene.image('swap')
  const attachment = await scene.plug(vm, [image])
  const entry = await scene.reason(vm, 'swap', 'UnsafePath')
  t.match(entry, { phase: 'AttachedToNode', message: /symbolic link/ })
  t.ok((await lstat(join(directory, 'swap.img'))).isSymbolicLink())
  await rm(join(directory, 'swap.img'))
  await scene.phase(vm, 'swap', 'Ready')
  t.equal(await run('cat', [outside]), 'untouched')
  await vm.controller.unplug('swap')
  await scene.phase(vm, 'swap', 'UnMountedFromPod')
  await scene.detach(attachment)
})
