import type { FileHandle } from 'node:fs/promises'
import { readFile } from 'node:fs/promises'

/**
 * Which directory it is that was read. Within one boot a directory is its inode, birth time and device, and the mount
 * that led to it; after a boot the numbers of devices and mounts mean nothing and the mount's own words take their place.
 */
export interface DirectoryIdentity {
  /** /proc/sys/kernel/random/boot_id */
  readonly boot: string
  /** st_dev and st_ino, decimal. */
  readonly device: string
  readonly inode: string
  /** Birth of the inode in ns, decimal; `0` where the file system keeps none. Tells a new inode from an old one of its number. */
  readonly bornNs: string
  /** This process' number of the mount; another process may live in another mount namespace with other numbers. */
  readonly mountId: string
  /** The process that read it, by pid and start: mount numbers are compared within one process only. */
  readonly reader: string
  /** Root within the file system, file system type and source, as mountinfo tells them. */
  readonly mount: string
}

const READER = `${process.pid}@${performance.timeOrigin}`

/** Reads the identity of an open directory. Throws the errno of what could not be read. */
export async function identifyDirectory(directory: FileHandle): Promise<DirectoryIdentity> {
  const { dev, ino, birthtimeNs } = await directory.stat({ bigint: true })
  const mountId = /^mnt_id:\s*(\d+)$/m.exec(await readFile(`/proc/self/fdinfo/${directory.fd}`, 'utf8'))?.[1] ?? ''
  const mount = describeMount(await readFile('/proc/self/mountinfo', 'utf8'), mountId)
  const boot = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim()
  return { boot, device: String(dev), inode: String(ino), bornNs: String(birthtimeNs), mountId, reader: READER, mount }
}

/**
 * Whether it is the same inode on the same mount. On doubt it is not: then nothing is removed. A running agent tells
 * mounts apart by their numbers. Across a restart of it (which may get a mount namespace of its own) the device, the birth
 * time and the mount's words must match; across a boot the words without the device; where no birth time is
 * known, a restart of the agent needs the very same mount number too, and a boot always counts as another directory.
 */
export function sameDirectory(a: DirectoryIdentity, b: DirectoryIdentity): boolean {
  if (a.inode !== b.inode || a.bornNs !== b.bornNs || a.mount !== b.mount) return false
  const sameBoot = a.boot === b.boot
  if (sameBoot && a.device !== b.device) return false
  const numbersMatter = a.reader === b.reader || a.bornNs === '0'
  return numbersMatter ? sameBoot && a.mountId === b.mountId : true
}

/** Of a mountinfo line: `36 35 98:0 /root /mnt rw - ext4 /dev/vda rw` the root, type and source. */
function describeMount(mountinfo: string, mountId: string): string {
  const line = mountinfo.split('\n').find((one) => one.startsWith(`${mountId} `)) ?? ''
  const [before = '', after = ''] = line.split(' - ')
  return [before.split(' ')[3], ...after.split(' ').slice(0, 2)].join(' ')
}
