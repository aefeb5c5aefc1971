import type { ChildProcess } from 'node:child_process'
import { cp, mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from '../../command.ts'
import type { Guest } from '../../guest.ts'
import { LibvirtHost, startLibvirtHost } from '../../libvirt-host.ts'
import { CACHE_INSIDE, labCache } from '../../paths.ts'
import { startGuest, type GuestOptions } from '../../start-guest.ts'
import { until } from '../../wait.ts'
import type { Cluster } from '../cluster/cluster.ts'
import type { Made } from '../objects/kube-object.ts'
import { launcherPod, type Pod } from '../objects/pods.ts'
import type { Vmi } from '../objects/vmi.ts'
import { LAUNCHER_COMMAND, LAUNCHER_IMAGE, launcherImage } from './launcher-image.ts'

export interface LauncherOptions {
  /** The user that libvirt and QEMU run as. @default 107, as under KubeVirt */
  readonly runAs?: 0 | 107
  /** Whether the socket bears the modular daemon's name too, as under KubeVirt since 1.0. @default true */
  readonly virtqemud?: boolean
  /** Hardware and boot of the guest. */
  readonly guest?: Omit<GuestOptions, 'name'>
}

/** A launcher pod with a running guest in it. */
export interface Launcher {
  readonly vmi: Made<Vmi>
  readonly pod: Made<Pod>
  /** `<namespace>_<vmi name>` in the pod's libvirt. */
  readonly guest: Guest
  /** The pod's libvirt: virsh, uri and files. It cannot be restarted from here. */
  readonly host: LibvirtHost
  /** The container's first process, as seen from here. */
  readonly pid: number
  /** The emptyDir that volumes are exposed in, seen from here. Mounts made in the pod alone are at `${host.root}/run/kubevirt/hotplug-disks`. */
  readonly hotplugDisks: string
  /** As seen from here; `guest.qemuPid` knows only what the pod calls it. */
  qemuPid(): Promise<number>
}

/** Starts a launcher pod with a real guest for that VMI (4 s), and names it in the VMI's status. It ends with the cluster. */
export const startLauncher = async (cluster: Cluster, vmi: Made<Vmi>, options: LauncherOptions = {}): Promise<Launcher> => {
  const learned = await prepareLaunchers(cluster)
  const pod = await cluster.server.create(podOf(vmi, learned, options))
  await cluster.podReady(pod)
  await cluster.server.patch(vmi, { status: { activePods: { [pod.metadata.uid]: cluster.nodeName } } })
  const pid = await cluster.containerPid(pod)
  const host = libvirtOf(pid)
  await until('libvirt of the launcher to answer', async () => (await host.virsh('uri')) || cluster.logs(pod).then((text) => Promise.reject(new Error(text))))
  const guest = await startGuest(host, { ...options.guest, name: `${vmi.metadata.namespace}_${vmi.metadata.name}` })
  const hotplugDisks = `${cluster.root}${cluster.kubeletDir}/pods/${pod.metadata.uid}/volumes/kubernetes.io~empty-dir/hotplug-disks`
  return { vmi, pod, guest, host, pid, hotplugDisks, qemuPid: () => qemuOf(cluster, pod.metadata.uid) }
}

const qemuOf = async (cluster: Cluster, podUid: string): Promise<number> => {
  const pids = await cluster.podPids(podUid)
  const names = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '')))
  const pid = pids[names.findIndex((name) => name.startsWith('qemu-system'))]
  if (pid === undefined) throw new Error(`no QEMU runs in pod ${podUid}`)
  return pid
}

const prepared = new WeakMap<Cluster, Promise<string>>()

/** Once for each cluster: the image, and what this machine's libvirt knows about its QEMU. Called early, it spares the first launcher a second. */
export const prepareLaunchers = (cluster: Cluster): Promise<string> => {
  const present = prepared.get(cluster)
  if (present) return present
  const made = (async () => {
    await cluster.importImage(await launcherImage())
    await using host = await startLibvirtHost()
    const learned = join(cluster.directory, 'learned')
    await mkdir(learned)
    await cp(`${host.root}/var/cache/libvirt/qemu`, learned, { recursive: true, preserveTimestamps: true })
    await run('chmod', ['-R', 'a+rX', learned])
    return learned
  })()
  prepared.set(cluster, made)
  return made
}

const DRIVERS = '/usr/lib/x86_64-linux-gnu/libvirt/connection-driver'
const QEMU_DRIVER = `${DRIVERS}/libvirt_driver_qemu.so`

/** Beside KubeVirt's volumes: the node's programs, of libvirt's drivers the only one that is wanted, and the lab's files for guests. */
const podOf = (vmi: Made<Vmi>, learned: string, { runAs = 107, virtqemud = true }: LauncherOptions): Pod => {
  const pod = launcherPod(vmi, { running: false, image: LAUNCHER_IMAGE, command: LAUNCHER_COMMAND })
  const [container] = pod.spec['containers'] as [{ volumeMounts: object[] }]
  const volumes = [
    ...['lab', 'drivers', 'logs'].map((name) => ({ name, emptyDir: {} })),
    ...Object.entries({ programs: '/usr', driver: QEMU_DRIVER, cache: labCache(), learned }).map(([name, path]) => ({ name, hostPath: { path } })),
  ]
  const mounts = [
    { name: 'programs', mountPath: '/usr', readOnly: true },
    { name: 'drivers', mountPath: DRIVERS },
    { name: 'driver', mountPath: QEMU_DRIVER, readOnly: true },
    { name: 'lab', mountPath: '/run/lab' },
    { name: 'logs', mountPath: '/var/log/libvirt' },
    { name: 'cache', mountPath: CACHE_INSIDE, readOnly: true },
    { name: 'learned', mountPath: '/run/lab/learned', readOnly: true },
  ]
  return {
    ...pod,
    spec: {
      ...pod.spec,
      volumes: [...(pod.spec['volumes'] as object[]), ...volumes],
      ...(runAs !== 0 && { securityContext: { runAsUser: runAs, runAsGroup: runAs, runAsNonRoot: true, fsGroup: runAs } }),
      containers: [
        {
          ...container,
          volumeMounts: [...container.volumeMounts, ...mounts],
          env: virtqemud ? [{ name: 'VIRTQEMUD_SOCKET', value: '1' }] : [],
          resources: { requests: { cpu: '100m', memory: '364Mi' } },
          ...(runAs !== 0 && { securityContext: { capabilities: { drop: ['ALL'], add: ['NET_BIND_SERVICE'] }, allowPrivilegeEscalation: false } }),
        },
      ],
    },
  }
}

/** The lab's view of a libvirt that somebody else started. */
const libvirtOf = (pid: number): LibvirtHost => {
  const keeper = { pid, root: `/proc/${pid}/root`, end: () => Promise.resolve() }
  const daemon = { pid, kill: (signal: NodeJS.Signals) => process.kill(pid, signal) }
  return new LibvirtHost(keeper, daemon as unknown as ChildProcess)
}
