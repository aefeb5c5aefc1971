import { cp, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from '../../command.ts'
import { labCache, CACHE_INSIDE } from '../../paths.ts'
import { type Guest } from '../../guest.ts'
import { type LibvirtHost, startLibvirtIn } from '../../libvirt-host.ts'
import { type GuestOptions, startGuest } from '../../start-guest.ts'
import { until } from '../../wait.ts'
import type { ContainerMount } from './bundle.ts'
import type { RuncNode } from './runc-node.ts'
import type { RuncPod, RuncPodOptions } from './runc-pod.ts'

const DRIVERS = '/usr/lib/x86_64-linux-gnu/libvirt/connection-driver'
const OWN_DIRECTORIES = ['/etc/libvirt', '/var/lib/libvirt', '/var/log/libvirt', '/var/cache/libvirt'] as const

export interface RuncLauncherOptions extends Pick<GuestOptions, 'memoryMiB' | 'scsiControllers'> {
  /** Of the pod. @default a new one */
  readonly uid?: string
  /** Of the VM. @default 'default' */
  readonly namespace?: string
  /** Of the VM. @default 'vm1' */
  readonly name?: string
  /** Block devices that its container may use from the start. */
  readonly devices?: RuncPodOptions['devices'] & object
}

/** A virt-launcher without a kubelet: a pod made by runc whose container holds a real libvirt with a real guest. */
export interface RuncLauncher {
  readonly pod: RuncPod
  readonly host: LibvirtHost
  readonly guest: Guest
  /** Ends libvirt, guest and container at once; the pod's directory and cgroups stay, as for a while after a crash. */
  kill(): Promise<void>
}

/** Starts one (1.5 s). It ends with the node. */
export const startRuncLauncher = async (node: RuncNode, options: RuncLauncherOptions = {}): Promise<RuncLauncher> => {
  const { uid, namespace = 'default', name = 'vm1', devices = [], ...shape } = options
  const pod = await node.startPod({ ...(uid === undefined ? {} : { uid }), devices, mounts: await mountsFor(node) })
  await mkdir(`${pod.root}/run/lab`, { recursive: true })
  await mkdir(`${pod.root}/run/libvirt`, { recursive: true })
  const cgroups = await cgroupsOf(pod.pid)
  // libvirtd joins the container from outside, and needs a /proc that knows it.
  await run('nsenter', [`--mount=/proc/${pod.pid}/ns/mnt`, `--root=${pod.root}`, 'mount', '-t', 'proc', 'proc', '/proc'])
  const host = await startLibvirtIn({ pid: pod.pid, root: pod.root, cgroups, end: () => pod.delete() })
  const guest = await startGuest(host, { name: `${namespace}_${name}`, ...shape })
  return { pod, host, guest, kill: () => kill(pod, cgroups) }
}

/** libvirt writes there; what it would ask of the machine's own users and drivers is shown to it otherwise. */
const mountsFor = async (node: RuncNode): Promise<readonly ContainerMount[]> => {
  const directory = join(node.kubeletDir, '../launchers', process.hrtime.bigint().toString())
  const own = OWN_DIRECTORIES.map((destination) => ({ source: join(directory, destination.replaceAll('/', '-')), destination }))
  for (const { source } of own) await mkdir(source, { recursive: true })
  await mkdir(labCache(), { recursive: true })
  return [...own, ...(await users(directory)), { source: await drivers(directory), destination: DRIVERS }, { source: labCache(), destination: CACHE_INSIDE }]
}

/** Debian's libvirt wants a user to exist that only the package of the host's own libvirt makes. */
const users = async (directory: string): Promise<readonly ContainerMount[]> => {
  const files = { passwd: 'libvirt-qemu:x:64055:64055::/nonexistent:/usr/sbin/nologin\n', group: 'libvirt-qemu:x:64055:\n' }
  return Promise.all(Object.entries(files).map(async ([file, line]) => {
    const source = join(directory, file)
    const text = await readFile(`/etc/${file}`, 'utf8')
    await writeFile(source, text.includes('libvirt-qemu:') ? text : text + line)
    return { source, destination: `/etc/${file}`, options: ['bind', 'ro'] }
  }))
}

/** libvirtd loads every driver that it finds. */
const drivers = async (directory: string): Promise<string> => {
  const into = join(directory, 'drivers')
  await mkdir(into)
  await cp(join(DRIVERS, 'libvirt_driver_qemu.so'), join(into, 'libvirt_driver_qemu.so'), { preserveTimestamps: true })
  return into
}

/** Directories of the cgroups that a process is in, in every hierarchy. */
const cgroupsOf = async (pid: number): Promise<readonly string[]> => {
  const mounts = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n').map((line) => line.split(' '))
  const lines = (await readFile(`/proc/${pid}/cgroup`, 'utf8')).trim().split('\n')
  return lines.flatMap((line) => {
    const [, controllers = '', ...path] = line.split(':')
    const mount = mounts.find((fields) => isHierarchy(fields, controllers))
    return mount === undefined ? [] : [`${mount[4]}${path.join(':')}`]
  })
}

const isHierarchy = (fields: readonly string[], controllers: string): boolean => {
  const [type, , options = ''] = fields.slice(fields.indexOf('-') + 1)
  if (controllers === '') return type === 'cgroup2'
  return type === 'cgroup' && controllers.split(',').every((one) => options.split(',').includes(one))
}

const kill = async (pod: RuncPod, cgroups: readonly string[]): Promise<void> => {
  await until('no process of the launcher', async () => {
    const pids = (await Promise.all(cgroups.map((cgroup) => readFile(`${cgroup}/cgroup.procs`, 'utf8').catch(() => '')))).join('\n').split('\n').filter(Boolean)
    for (const pid of new Set(pids)) endProcess(Number(pid))
    return pids.length === 0
  })
  await pod.kill().catch(() => undefined)
}

const endProcess = (pid: number): void => {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // gone by itself
  }
}
