import { randomUUID } from 'node:crypto'
import { mkdir, open, readFile, stat, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { Test } from 'tap'
import { createLauncherExposures, type LauncherExposures, type LauncherExposuresOptions } from '../../../../src/adapters/linux/pods/launcher-exposures.ts'
import { createPodSources } from '../../../../src/adapters/linux/pods/pod-sources.ts'
import { vmKey, type VmKey } from '../../../../src/model/ids.ts'
import type { AttachmentPod, LauncherPod } from '../../../../src/model/pods.ts'
import type { Exposure } from '../../../../src/model/record.ts'
import type { ClaimSource, ResolvedSource } from '../../../../src/model/source.ts'
import type { Sources } from '../../../../src/ports/host.ts'
import { run } from '../../../support/command.ts'
import { startRuncNode, type RuncNode, type RuncPod, type RuncPodOptions } from '../../../support/kubernetes/lab.ts'
import { makeBlockDevice, type BlockDevice } from '../../../support/block-device.ts'
import { compile } from '../fixture.ts'

export const VM: VmKey = vmKey({ namespace: 'default', name: 'vmi1' })
export const MIB = 1 << 20

/** A machine with the second version only cannot show the first. */
export const CGROUP_VERSIONS: readonly ('v1' | 'v2')[] = await stat('/sys/fs/cgroup/cgroup.controllers').then(() => ['v2'] as const, () => ['v1', 'v2'] as const)

/** Where containers of the lab have the programs of fixtures/. */
const PROGRAMS = '/programs'

/** A launcher and its attachment pods on a node of the lab, and what is under test for them. */
export class PodLab {
  readonly node: RuncNode
  readonly launcher: RuncPod
  readonly sources: Sources
  readonly exposures: LauncherExposures
  readonly attachments = new Map<string, AttachmentPod[]>()
  readonly restored: number[] = []
  /** What the API server says of the VM's launcher. */
  launcherUid: string | null
  readonly #t: Test
  readonly #programs: string

  constructor(t: Test, node: RuncNode, launcher: RuncPod, programs: string) {
    this.#t = t
    this.#programs = programs
    this.node = node
    this.launcher = launcher
    this.launcherUid = launcher.uid
    this.sources = createPodSources(this.options)
    this.exposures = this.newExposures()
  }

  get options(): LauncherExposuresOptions & Parameters<typeof createPodSources>[0] {
    const { kubeletDir, cgroupRoot } = this.node
    const pods = { launcher: () => this.#launcherPod(), attachments: (_vm: VmKey, volume: string) => this.attachments.get(volume) ?? [] }
    return { pods, kubeletDir, cgroupRoot, rulePeriodMs: 20, onRulesRestored: (_uid, rules) => this.restored.push(rules) }
  }

  newExposures(): LauncherExposures {
    const exposures = createLauncherExposures(this.options)
    this.#t.teardown(() => exposures.close())
    return exposures
  }

  /** Starts an attachment pod that holds a file system. */
  async attachFilesystem(volume: string, mountedAt: string, options: RuncPodOptions = {}): Promise<RuncPod> {
    const mounts = [{ source: mountedAt, destination: `/${volume}`, options: ['rbind', 'rslave', 'rw'] }]
    return this.#attach(volume, 'Filesystem', { ...options, mounts })
  }

  /** Starts an attachment pod with the node of a device, as the runtime and the kubelet make them. */
  async attachBlock(volume: string, device: string): Promise<{ readonly pod: RuncPod; readonly claim: string; readonly node: string }> {
    const pod = await this.#attach(volume, 'Block', {})
    const claim = this.attachments.get(volume)?.at(-1)?.claimUid ?? ''
    const directory = join(pod.emptyDir('hotplug-disks'), volume)
    await mkdir(directory)
    await makeNode(join(directory, claim), device)
    const links = join(pod.directory, 'volumeDevices/kubernetes.io~local-volume')
    await mkdir(links, { recursive: true })
    await symlink(device, join(links, `pv-${volume}`))
    return { pod, claim, node: join(directory, claim) }
  }

  async #attach(volume: string, volumeMode: AttachmentPod['volumeMode'], options: RuncPodOptions): Promise<RuncPod> {
    const pod = await this.node.startPod({ ...options, emptyDirs: { 'hotplug-disks': '/path' } })
    const known = this.attachments.get(volume) ?? []
    this.attachments.set(volume, [...known, { uid: pod.uid, name: `hp-volume-${known.length}`, claimUid: randomUUID(), volumeMode, ready: true, terminating: false }])
    return pod
  }

  /** An ext4 on a device of its own with an image in it, mounted on the node. */
  async makeFilesystem(image: Uint8Array | null, sizeBytes = 16 * MIB): Promise<{ readonly at: string; readonly device: BlockDevice }> {
    const device = await makeBlockDevice(sizeBytes, this.#t)
    await run('mkfs.ext4', ['-q', '-F', device.path])
    const at = join(this.node.kubeletDir, `fs-${randomUUID()}`)
    await mkdir(at)
    await this.node.run('mount', device.path, at)
    if (image !== null) await this.writeOn(join(at, 'disk.img'), image)
    return { at, device }
  }

  /** A file on the node, whose mounts are not seen from here otherwise. */
  async writeOn(path: string, bytes: Uint8Array): Promise<void> {
    const file = await open(this.node.root + path, 'w')
    await file.write(bytes)
    await file.close()
  }

  claim(volume: string): ClaimSource {
    return { kind: 'claim', vm: VM, volume, claim: `claim-${volume}`, format: 'raw' }
  }

  /** Looks the volume up and exposes it. */
  async expose(volume: string): Promise<{ readonly source: ResolvedSource; readonly exposure: Exposure }> {
    const source = await this.sources.resolve(this.claim(volume))
    const exposure = this.plan(source)
    await this.exposures.expose(VM, exposure, source)
    return { source, exposure }
  }

  plan(source: ResolvedSource): Exposure {
    return this.exposures.plan(source)
  }

  /** An entry of the launcher's directory as the machine has it. */
  entry(name: string): string {
    return join(this.launcher.emptyDir('hotplug-disks'), name)
  }

  /** Starts a program of fixtures/pod-actor.c in the launcher; resolves with its pid, seen from here. */
  async act(name: string, ...args: readonly string[]): Promise<number> {
    const said = await this.launcher.exec(join(PROGRAMS, name), ...args)
    return pidOf(this.node, this.launcher, name, said)
  }

  get programs(): string {
    return this.#programs
  }

  #launcherPod(): LauncherPod | null {
    if (this.launcherUid === null) return null
    return { uid: this.launcherUid, namespace: 'default', name: 'virt-launcher-vmi1', vmiUid: randomUUID(), terminating: false }
  }
}

export async function startPodLab(t: Test, cgroups: 'v1' | 'v2', options: RuncPodOptions = {}): Promise<PodLab> {
  const programs = join(await compile(t, 'pod-actor'), '..')
  await run('cp', [join(programs, 'pod-actor'), join(programs, 'qemu-system-x86_64')])
  await run('chmod', ['755', programs])
  const node = await startRuncNode(t, { cgroups })
  const launcher = await node.startPod({ runAs: 107, mounts: [{ source: programs, destination: PROGRAMS }], ...options })
  return new PodLab(t, node, launcher, programs)
}

/** A program that left its starter has the pid of the node's view only; it is found by its name in the pod. */
async function pidOf(node: RuncNode, pod: RuncPod, name: string, said: string): Promise<number> {
  const pids = (await readFile(join(node.devicesRoot, pod.containerCgroup, 'cgroup.procs'), 'utf8')).split('\n').filter((pid) => pid !== '')
  for (const pid of pids.toReversed()) {
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
    if (command.startsWith(join(PROGRAMS, name))) return Number(pid)
  }
  throw new Error(`${name} does not run: ${said}`)
}

export async function makeNode(path: string, device: string): Promise<void> {
  const [major, minor] = (await deviceNumber(device)).split(':')
  await run('mknod', [path, 'b', major ?? '', minor ?? ''])
}

/** `MAJOR:MINOR`. */
export async function deviceNumber(path: string): Promise<string> {
  const { rdev } = await stat(path)
  return `${(rdev >> 8) & 0xfff}:${(rdev & 0xff) | ((rdev >> 12) & 0xfff00)}`
}
