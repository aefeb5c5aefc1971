import { randomUUID } from 'node:crypto'
import { chown, mkdir, mkdtemp, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Daemon, type DaemonDirectories, daemonDirectories, spawnDaemon } from '../../support/daemon.ts'
import { makeBlockDevice, run, type Teardown, until } from '../../support/lab.ts'
import {
  type ApiServer, attachmentPod, claim, installKubeVirtCrds, launcherPod, type Made, podStatus, type RuncNode, type RuncPod, startApiServer, startRuncNode,
  VirtController, vmi, type Vmi, type VmiVolume, type VolumeMode, type VolumeStatusEntry,
} from '../../support/kubernetes/lab.ts'
import { asPod } from './as-pod.ts'
import { type RuncLauncher, type RuncLauncherOptions, startRuncLauncher } from '../../support/kubernetes/runc/launcher.ts'

export const NODE = 'node1'
const QEMU_UID = 107

/** A claim and what is behind it on the node. */
export interface Storage {
  readonly name: string
  readonly mode: VolumeMode
  readonly claim: Made
  /** The device, or the directory that is mounted. */
  readonly path: string
  /** What the guest's bytes are in. */
  read(offset: number, length: number): Promise<Buffer>
}

/** One VM of the node: its object, its launcher, who plays its controller. */
export interface SceneVm {
  readonly name: string
  readonly vmi: Made<Vmi>
  readonly controller: VirtController
  readonly launcher: RuncLauncher
  /** The launcher's pod as the API server has it. */
  readonly pod: Made
}

/** An attachment pod that runs. */
export interface Attachment {
  readonly object: Made
  readonly pod: RuncPod
}

/** A real API server, and a node whose pods are containers made by runc, with the real hotplugd beside them. */
export class KubernetesScene {
  readonly t: Teardown
  readonly server: ApiServer
  readonly node: RuncNode
  readonly directories: DaemonDirectories
  daemon!: Daemon

  constructor(t: Teardown, parts: { server: ApiServer; node: RuncNode; directories: DaemonDirectories }) {
    this.t = t
    this.server = parts.server
    this.node = parts.node
    this.directories = parts.directories
  }

  static async start(t: Teardown): Promise<KubernetesScene> {
    const [server, node, directories] = await Promise.all([startApiServer(t), startRuncNode(t), daemonDirectories(t)])
    await installKubeVirtCrds(server)
    return new KubernetesScene(t, { server, node, directories })
  }

  /** Starts the agent (again) and waits until it is ready. */
  async startAgent(options: { readonly flags?: readonly string[]; readonly env?: Readonly<Record<string, string>> } = {}): Promise<Daemon> {
    this.daemon = await this.spawnAgent(options)
    return this.daemon.waitReady()
  }

  /** The same without waiting. */
  async spawnAgent({ flags = [], env = {} }: { readonly flags?: readonly string[]; readonly env?: Readonly<Record<string, string>> } = {}): Promise<Daemon> {
    const own = ['--mode', 'kubernetes', '--node-name', NODE, '--kubelet-dir', this.node.kubeletDir]
    const pod = await asPod(this.server, this.directories.base)
    this.daemon = await spawnDaemon(this.t, { libvirt: {}, directories: this.directories, flags: [...own, ...flags], under: pod.under, env: { ...pod.env, ...env } })
    return this.daemon
  }

  /** A running VM with its launcher. */
  async startVm(name = 'vm1', volumes: readonly VmiVolume[] = [], shape: Pick<RuncLauncherOptions, 'devices'> = {}): Promise<SceneVm> {
    const made = await this.server.create(vmi({ name, node: NODE, volumes }))
    const pod = await this.server.create(launcherPod(made, { node: NODE, running: false }))
    const launcher = await startRuncLauncher(this.node, { ...shape, name, uid: pod.metadata.uid })
    await this.server.patchStatus(pod, { status: podStatus('compute', true) })
    const controller = new VirtController(this.server, made)
    await controller.status({ activePods: { [pod.metadata.uid]: NODE } })
    return { name, vmi: made, controller, launcher, pod }
  }

  async block(name: string, sizeBytes = 64 << 20): Promise<Storage> {
    const device = await makeBlockDevice(sizeBytes, this.t)
    return { name, mode: 'Block', claim: await this.server.create(claim({ name, mode: 'Block' })), path: device.path, read: (offset, length) => device.read(offset, length) }
  }

  /** A directory with a `disk.img`. */
  async image(name: string, sizeBytes = 64 << 20): Promise<Storage> {
    const path = await mkdtemp(join(tmpdir(), 'hotplugd-pv-'))
    this.t.teardown(() => rm(path, { recursive: true, force: true }))
    const file = join(path, 'disk.img')
    await writeFile(file, '')
    await truncate(file, sizeBytes)
    await chown(file, QEMU_UID, QEMU_UID)
    return { name, mode: 'Filesystem', claim: await this.server.create(claim({ name, mode: 'Filesystem' })), path, read: (offset, length) => readFrom(file, offset, length) }
  }

  /** An attachment pod that holds these, running and ready. */
  async attach(vm: SceneVm, storages: readonly Storage[]): Promise<Attachment> {
    const claims = storages.map((storage) => ({ volume: storage.name, claim: storage.claim, mode: storage.mode }))
    const object = await this.server.create(attachmentPod(vm.pod, claims, { node: NODE, running: false }))
    const mounts = storages.filter(({ mode }) => mode === 'Filesystem').map(({ path, name }) => ({ source: path, destination: `/${name}` }))
    const pod = await this.node.startPod({ uid: object.metadata.uid, emptyDirs: { 'hotplug-disks': '/path' }, mounts })
    for (const storage of storages) if (storage.mode === 'Block') await makeNode(pod, storage)
    await this.server.patchStatus(object, { status: podStatus('hotplug-disk', true) })
    return { object, pod }
  }

  /** What virt-controller does from a volume in the spec to a pod that holds it. */
  async plug(vm: SceneVm, storages: readonly Storage[], disk: VmiVolume['disk'] = {}): Promise<Attachment> {
    await vm.controller.plug(...storages.map(({ name }) => ({ name, disk })))
    const attachment = await this.attach(vm, storages)
    await this.nameAttachment(vm, storages, attachment)
    return attachment
  }

  async nameAttachment(vm: SceneVm, storages: readonly Storage[], { object }: Attachment): Promise<void> {
    const { name, uid } = object.metadata
    for (const storage of storages) await vm.controller.attachedToNode(storage.name, { name, uid }, { name: storage.name, mode: storage.mode })
  }

  /** The attachment pod goes, as virt-controller has it go. */
  async detach({ object, pod }: Attachment): Promise<void> {
    await this.server.delete(object, { gracePeriodSeconds: 0 })
    await pod.delete()
  }

  /** Waits until the entry of the VMI's status has that phase. */
  phase(vm: SceneVm, volume: string, phase: string): Promise<VolumeStatusEntry> {
    return until(`${volume} of ${vm.name} to be ${phase}`, async () => {
      const entry = await vm.controller.entry(volume)
      if (entry?.phase === phase) return entry
      throw new Error(JSON.stringify(entry))
    })
  }

  /** Waits until the entry has that reason. */
  reason(vm: SceneVm, volume: string, reason: string): Promise<VolumeStatusEntry> {
    return until(`${volume} of ${vm.name} to say ${reason}`, async () => {
      const entry = await vm.controller.entry(volume)
      if (entry?.reason === reason) return entry
      throw new Error(JSON.stringify(entry))
    })
  }
}

/** As runc makes the node of a block claim. */
async function makeNode(pod: RuncPod, { name, claim, path }: Storage): Promise<void> {
  const { rdev } = await stat(path)
  const directory = join(pod.emptyDir('hotplug-disks'), name)
  const node = join(directory, claim.metadata.uid)
  await mkdir(directory)
  await run('mknod', [node, 'b', String((rdev >> 8) & 0xfff), String((rdev & 0xff) | ((rdev >> 12) & 0xfff00))])
  await chown(node, QEMU_UID, QEMU_UID)
}

async function readFrom(path: string, offset: number, length: number): Promise<Buffer> {
  const copy = join(tmpdir(), `read-${randomUUID()}`)
  try {
    await run('dd', [`if=${path}`, `of=${copy}`, 'bs=512', `skip=${offset / 512}`, `count=${Math.ceil(length / 512)}`, 'iflag=direct'])
    const { readFile } = await import('node:fs/promises')
    return (await readFile(copy)).subarray(0, length)
  } finally {
    await rm(copy, { force: true })
  }
}
