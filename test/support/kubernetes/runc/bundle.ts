import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** A mount of a container, as in its runtime's configuration. */
export interface ContainerMount {
  readonly source: string
  readonly destination: string
  /** @default ['rbind', 'rw'] */
  readonly options?: readonly string[]
}

/** What a container's configuration is made of. */
export interface Container {
  readonly args: readonly string[]
  readonly uid: number
  readonly mounts: readonly ContainerMount[]
  /** Block devices that it may use from the start: major, minor. */
  readonly devices: readonly (readonly [major: number, minor: number])[]
  readonly cgroup: string
}

const tmpfs = (destination: string, type: string, ...options: readonly string[]): object => ({ destination, type, source: type, options: ['nosuid', ...options] })

/** As containerd mounts them; the program directories are this machine's own. */
const SYSTEM_MOUNTS: readonly object[] = [
  tmpfs('/proc', 'proc', 'noexec', 'nodev'),
  tmpfs('/dev', 'tmpfs', 'strictatime', 'mode=755', 'size=65536k'),
  tmpfs('/dev/pts', 'devpts', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620'),
  tmpfs('/dev/shm', 'tmpfs', 'noexec', 'nodev', 'mode=1777', 'size=65536k'),
  tmpfs('/sys', 'sysfs', 'noexec', 'nodev', 'ro'),
  tmpfs('/sys/fs/cgroup', 'cgroup', 'noexec', 'nodev', 'relatime', 'ro'),
  { destination: '/usr', type: 'bind', source: '/usr', options: ['rbind', 'ro'] },
  { destination: '/etc', type: 'bind', source: '/etc', options: ['rbind', 'ro'] },
]

/** Links from the root to /usr, where Debian has its programs. */
export const USR_LINKS = ['bin', 'sbin', 'lib', 'lib64'] as const

/** What a container of the kubelet may do without being asked. */
const CAPABILITIES = ['CAP_CHOWN', 'CAP_DAC_OVERRIDE', 'CAP_FSETID', 'CAP_FOWNER', 'CAP_MKNOD', 'CAP_NET_RAW', 'CAP_SETGID', 'CAP_SETUID', 'CAP_SETFCAP', 'CAP_SETPCAP', 'CAP_NET_BIND_SERVICE', 'CAP_SYS_CHROOT', 'CAP_KILL', 'CAP_AUDIT_WRITE']

const configuration = ({ args, uid, mounts, devices, cgroup }: Container): object => ({
  ociVersion: '1.0.2',
  process: {
    user: { uid, gid: uid },
    args,
    cwd: '/',
    env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'],
    capabilities: Object.fromEntries(['bounding', 'effective', 'permitted'].map((set) => [set, CAPABILITIES])),
    noNewPrivileges: false,
  },
  root: { path: 'rootfs' },
  hostname: 'pod',
  mounts: [...SYSTEM_MOUNTS, ...mounts.map(({ source, destination, options = ['rbind', 'rw'] }) => ({ source, destination, type: 'bind', options }))],
  linux: {
    cgroupsPath: cgroup,
    namespaces: ['pid', 'ipc', 'uts', 'mount'].map((type) => ({ type })),
    resources: { devices: [{ allow: false, access: 'rwm' }, ...devices.map(([major, minor]) => ({ allow: true, type: 'b', major, minor, access: 'rwm' }))] },
    rootfsPropagation: 'rslave',
  },
})

/** Writes what runc needs to make the container. */
export const writeBundle = async (bundle: string, container: Container): Promise<void> => {
  await mkdir(join(bundle, 'rootfs'), { recursive: true })
  await writeFile(join(bundle, 'config.json'), JSON.stringify(configuration(container)))
}
