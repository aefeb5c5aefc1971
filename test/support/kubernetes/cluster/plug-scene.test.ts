import { access, chown, readFile, readdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { diskXml, run, until, type DomainDisk } from '../../lab.ts'
import { LiveVirtController, startPlugScene, type PlugScene, type VolumeStatusEntry } from '../lab.ts'

const exists = (path: string): Promise<boolean> => access(path).then(() => true, () => false)

/** What an agent would do, with this machine's own tools. */
const attach = async ({ cluster, launcher }: PlugScene, disk: DomainDisk): Promise<void> => {
  const path = join(cluster.directory, `${disk.serial}.xml`)
  await writeFile(path, diskXml(disk))
  const seen = launcher.guest.waitForDisk(disk.serial ?? '')
  await launcher.host.virsh('attach-device', launcher.guest.name, path, '--live')
  await seen
}

const allowDevice = async (pid: number, numbers: string): Promise<void> => {
  const [, path = ''] = /^\d+:devices:(.*)$/m.exec(await readFile(`/proc/${pid}/cgroup`, 'utf8')) ?? []
  await writeFile(join('/sys/fs/cgroup/devices', path, 'devices.allow'), `b ${numbers} rwm`)
}

const plugBlock = async (scene: PlugScene): Promise<void> => {
  const { rdev } = await stat(scene.block.path)
  const [major, minor] = [(rdev >> 8) & 0xfff, rdev & 0xff]
  const node = join(scene.launcher.hotplugDisks, 'b1')
  await run('mknod', [node, 'b', `${major}`, `${minor}`])
  await chown(node, 107, 107)
  await allowDevice(scene.launcher.pid, `${major}:${minor}`)
  await attach(scene, { type: 'block', path: '/var/run/kubevirt/hotplug-disks/b1', target: 'sda', unit: 0, serial: 'b1' })
}

const plugImage = async (scene: PlugScene): Promise<void> => {
  const inside = (path: string): string => path.replace(scene.cluster.root, '')
  const place = join(scene.launcher.hotplugDisks, 'f1.img')
  await writeFile(place, '')
  await scene.cluster.run('mount', '--bind', inside(scene.image.path), inside(place))
  await attach(scene, { type: 'file', path: '/var/run/kubevirt/hotplug-disks/f1.img', target: 'sdb', unit: 1, serial: 'f1' })
}

t.test('a guest in a launcher pod, and volumes in an attachment pod', async (t) => {
  const scene = await startPlugScene(t)
  const { cluster, launcher, attachment, block, image } = scene
  const podDirectory = `${cluster.root}${cluster.kubeletDir}/pods/${attachment.metadata.uid}`

  await t.test('the attachment pod has both, where KubeVirt’s has them', async (t) => {
    const device = join(podDirectory, 'volumes/kubernetes.io~empty-dir/hotplug-disks/b1', block.claim.metadata.uid)
    t.equal((await stat(device)).rdev, (await stat(block.path)).rdev)
    const inside = `/proc/${await cluster.containerPid(attachment)}/root`
    t.equal((await stat(`${inside}/path/b1/${block.claim.metadata.uid}`)).rdev, (await stat(block.path)).rdev)
    t.ok(await exists(`${inside}/path/hp.sock`))
    t.equal((await stat(`${inside}/f1/disk.img`)).ino, (await stat(image.path)).ino)
    t.equal((await stat(join(podDirectory, 'volumes/kubernetes.io~local-volume/pv-default-f1/disk.img'))).size, 64 << 20)
    t.strictSame(await readdir(join(podDirectory, 'volumeDevices/kubernetes.io~local-volume')), ['pv-default-b1'])
  })

  await t.test('the launcher is as KubeVirt’s', async (t) => {
    t.ok(await exists(`${launcher.host.root}/run/libvirt/virtqemud-sock`))
    t.match(await readFile(`/proc/${await launcher.qemuPid()}/status`, 'utf8'), /^Uid:\t107\t/m)
    t.match(await launcher.host.virsh('list', '--name'), /^default_vmi1$/m)
    t.match(await scene.controller.vmi(), { status: { activePods: { [launcher.pod.metadata.uid]: 'node1' } } })
    await scene.announce(block, image)
    t.match(await scene.controller.entry('f1'), { phase: 'AttachedToNode', hotplugVolume: { attachPodUID: attachment.metadata.uid } })
  })

  // Without version 1 the container's device program would have to be replaced: that is the agent's art.
  if (await exists('/sys/fs/cgroup/devices')) {
    await t.test('a block device reaches the guest', async (t) => {
      await plugBlock(scene)
      await launcher.guest.write('b1', 4096, 'to the device')
      t.equal(String(await block.device.read(4096, 13)), 'to the device')
    })
  }

  await t.test('an image reaches the guest through a mount on the node', async (t) => {
    await plugImage(scene)
    await launcher.guest.write('f1', 4096, 'to the image')
    t.equal((await readFile(image.path)).toString('utf8', 4096, 4108), 'to the image')
  })

  await t.test('virt-controller by itself replaces the attachment pod, and forgets a volume at last', async (t) => {
    await scene.controller.unplug('b1', 'f1')
    await Promise.all([scene.controller.drop('b1'), scene.controller.drop('f1'), cluster.server.delete(attachment)])
    const controller = new LiveVirtController(cluster, launcher, t)
    const named = (volume: string): Promise<VolumeStatusEntry> =>
      until(`${volume} to have a ready pod`, async () => {
        const entry = await controller.entry(volume)
        return entry?.hotplugVolume?.attachPodUID === undefined ? null : entry
      })
    const phase = async (volume: string, phase: string): Promise<void> => {
      const index = (await controller.vmi()).status?.volumeStatus.findIndex(({ name }) => name === volume)
      await cluster.server.patch(launcher.vmi, [{ op: 'test', path: `/status/volumeStatus/${index}/name`, value: volume }, { op: 'replace', path: `/status/volumeStatus/${index}/phase`, value: phase }])
    }
    await controller.plug({ name: 'f1' })
    const first = await named('f1')
    t.match(first, { phase: 'AttachedToNode', persistentVolumeClaimInfo: { volumeMode: 'Filesystem' } })
    await phase('f1', 'Ready')
    await controller.plug({ name: 'b1' })
    const second = await named('b1')
    t.not(second.hotplugVolume?.attachPodUID, first.hotplugVolume?.attachPodUID)
    t.match(await controller.entry('f1'), { phase: 'Ready', hotplugVolume: second.hotplugVolume })
    await until('the old pod to go', async () => (await cluster.server.list('v1', 'Pod', 'default', 'labelSelector=kubevirt.io=hotplug-disk')).length === 1)
    await controller.unplug('b1', 'f1')
    await phase('f1', 'UnMountedFromPod')
    await until('all entries to go', async () => (await controller.vmi()).status?.volumeStatus.length === 0)
    t.strictSame(await cluster.server.list('v1', 'Pod', 'default', 'labelSelector=kubevirt.io=hotplug-disk'), [])
    await controller.end()
  })

  await t.test('stopped, nothing is left', async (t) => {
    const pids = [cluster.pid, launcher.pid, await launcher.qemuPid()]
    await cluster.stop()
    for (const pid of pids) await until(`process ${pid} to go`, async () => !(await exists(`/proc/${pid}`)))
    const behind = await Promise.all((await readdir('/sys/block')).map((name) => readFile(`/sys/block/${name}/loop/backing_file`, 'utf8').catch(() => '')))
    t.strictSame(behind.filter((file) => file.includes(attachment.metadata.uid) || file === '/\n'), [], 'the kubelet’s hold on the device')
    t.notOk(await exists(cluster.directory))
  })
})
