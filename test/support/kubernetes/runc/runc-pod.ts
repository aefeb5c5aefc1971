import { randomBytes, randomUUID } from 'node:crypto'
import { chmod, mkdir, readFile, rm, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { USR_LINKS, writeBundle, type Container, type ContainerMount } from './bundle.ts'
import type { RuncNode } from './runc-node.ts'

export interface RuncPodOptions {
  /** @default a new one */
  readonly uid?: string
  /** Decides where in `kubepods` its cgroup is. @default 'burstable' */
  readonly qos?: 'guaranteed' | 'burstable' | 'besteffort'
  /** What its container runs. @default sleeps */
  readonly args?: readonly string[]
  /** User and group of that. @default 0 */
  readonly runAs?: number
  /** Its emptyDir volumes: name, and where the container has it. `HostToContainer`, as KubeVirt's hotplug-disks. @default launcher's `hotplug-disks` */
  readonly emptyDirs?: Readonly<Record<string, string>>
  /** More mounts of the container. */
  readonly mounts?: readonly ContainerMount[]
  /** Block devices that the container may use from the start. */
  readonly devices?: readonly (readonly [major: number, minor: number])[]
}

const LAUNCHER_DIRECTORIES = { 'hotplug-disks': '/var/run/kubevirt/hotplug-disks' }
const SLEEP = ['/bin/busybox', 'sleep', '1000000']

/** A container of a pod. */
interface Running {
  readonly id: string
  /** Of its first process, as seen from here. */
  readonly pid: number
}

/** A pod as the kubelet would have made it, seen from the machine. */
export class RuncPod {
  readonly #node: RuncNode
  readonly #containers: readonly [sandbox: Running, main: Running]
  readonly uid: string
  /** `<pods>/<uid>` */
  readonly directory: string
  /** Below each hierarchy: `/…/kubepods/burstable/pod<uid>`; containers are one level deeper. */
  readonly cgroup: string

  constructor(node: RuncNode, uid: string, cgroup: string, containers: readonly [Running, Running]) {
    this.#node = node
    this.uid = uid
    this.directory = podDirectory(node, uid)
    this.cgroup = cgroup
    this.#containers = containers
  }

  /** The container's first process, as seen from here. */
  get pid(): number {
    return this.#containers[1].pid
  }
  /** That of the sandbox, which shares the pod's cgroup and nothing else. */
  get sandboxPid(): number {
    return this.#containers[0].pid
  }
  get containerId(): string {
    return this.#containers[1].id
  }
  /** The container's cgroup below each hierarchy. */
  get containerCgroup(): string {
    return `${this.cgroup}/${this.containerId}`
  }
  /** The container's file system as seen from here. */
  get root(): string {
    return `/proc/${this.pid}/root`
  }

  /** An emptyDir volume as the machine has it. */
  emptyDir(name: string): string {
    return join(this.directory, 'volumes/kubernetes.io~empty-dir', name)
  }

  /** Runs a program in the container, as `kubectl exec` would, and returns what it printed. Throws CommandError. */
  exec(...args: readonly string[]): Promise<string> {
    return this.#node.run('runc', 'exec', this.containerId, ...args)
  }

  /** Kills the container only; files and cgroups of the pod stay, as for a while after a crash. */
  async kill(): Promise<void> {
    await this.#node.run('runc', 'delete', '--force', this.containerId)
  }

  /** Ends it and removes its directory, as the kubelet does at last. Throws while something is mounted there. */
  async delete(): Promise<void> {
    for (const { id } of this.#containers) await this.#node.run('runc', 'delete', '--force', id)
    await rm(this.directory, { recursive: true, force: true })
  }
}

const podDirectory = (node: RuncNode, uid: string): string => join(node.kubeletDir, 'pods', uid)

export const makePod = async (node: RuncNode, options: RuncPodOptions): Promise<RuncPod> => {
  const { uid = randomUUID(), qos = 'burstable', runAs = 0, emptyDirs = LAUNCHER_DIRECTORIES } = options
  const cgroup = `${node.cgroup}/kubepods${qos === 'guaranteed' ? '' : `/${qos}`}/pod${uid}`
  const volumes = join(podDirectory(node, uid), 'volumes/kubernetes.io~empty-dir')
  for (const name of Object.keys(emptyDirs)) await makeEmptyDir(join(volumes, name))
  const mounts = Object.entries(emptyDirs).map(([name, destination]) => ({ source: join(volumes, name), destination, options: ['rbind', 'rslave', 'rw'] }))
  const container = { args: options.args ?? SLEEP, uid: runAs, mounts: [...mounts, ...(options.mounts ?? [])], devices: options.devices ?? [] }
  const sandbox = await startContainer(node, cgroup, { args: SLEEP, uid: 65535, mounts: [], devices: [] })
  return new RuncPod(node, uid, cgroup, [sandbox, await startContainer(node, cgroup, container)])
}

const makeEmptyDir = async (path: string): Promise<void> => {
  await mkdir(path, { recursive: true })
  await chmod(path, 0o777)
}

const startContainer = async (node: RuncNode, cgroup: string, container: Omit<Container, 'cgroup'>): Promise<Running> => {
  const id = randomBytes(32).toString('hex')
  const bundle = join(node.kubeletDir, '../containers', id)
  await writeBundle(bundle, { ...container, cgroup: `${cgroup}/${id}` })
  await makeLinks(join(bundle, 'rootfs'))
  await node.run('sh', '-c', RUN, 'sh', bundle, id)
  const procs = await readFile(join(node.devicesRoot, cgroup, id, 'cgroup.procs'), 'utf8')
  return { id, pid: Number(procs.split('\n')[0]) }
}

/** Nothing of what runc was started with may stay open in the container. */
const RUN = 'runc run --detach --bundle "$1" "$2" >"$1/log" 2>&1 </dev/null || { cat "$1/log" >&2; exit 1; }'

/** As Debian has them. */
const makeLinks = async (rootfs: string): Promise<void> => {
  await mkdir(join(rootfs, 'var'))
  await symlink('/run', join(rootfs, 'var/run'))
  for (const name of USR_LINKS) await symlink(`usr/${name}`, join(rootfs, name))
}
