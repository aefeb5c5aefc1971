import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { blockDeviceAt, fileKeyAt, namesIn, textOf, type KernelRoots } from './kernel-files.ts'
import { parseMountinfo, type Mount } from './mountinfo.ts'

/** A device that the host uses, and for what: `is mounted at /srv`. */
export interface DeviceUse {
  readonly device: string
  readonly doing: string
}

/** A file that the host uses, by its footprint key. */
export interface FileUse {
  readonly path: string
  readonly key: string
  readonly doing: string
}

/** What is mounted in the agent's mount namespace. Throws what reading mountinfo throws. */
export function readMounts({ proc, sysfs }: KernelRoots): { devices: DeviceUse[]; files: FileUse[] } {
  const mounts = parseMountinfo(readFileSync(join(proc, 'self/mountinfo'), 'utf8'))
  return { devices: [...mountedDevices(mounts), ...btrfsDevices(sysfs)], files: mounts.flatMap(mountedFile) }
}

/** Every device once: a file system is often mounted at many places. */
function mountedDevices(mounts: readonly Mount[]): DeviceUse[] {
  const first = new Map<string, DeviceUse>()
  for (const mount of mounts) {
    const device = deviceOf(mount)
    if (device !== null && !first.has(device)) first.set(device, { device, doing: `is mounted at ${mount.at}` })
  }
  return [...first.values()]
}

/** File systems of several devices have a number of their own; their source names one of the devices. */
function deviceOf(mount: Mount): string | null {
  if (!mount.device.startsWith('0:')) return mount.device
  return mount.source.startsWith('/dev/') ? blockDeviceAt(mount.source) : null
}

/** erofs can be mounted from an image file without a loop device. */
function mountedFile({ device, type, source, at }: Mount): FileUse[] {
  if (type !== 'erofs' || !device.startsWith('0:') || !source.startsWith('/')) return []
  const key = fileKeyAt(source)
  return key === null ? [] : [{ path: source, key, doing: `is mounted at ${at}` }]
}

/** All devices of the mounted btrfs file systems, of which mountinfo names one at most. */
function btrfsDevices(sysfs: string): DeviceUse[] {
  const root = join(sysfs, 'fs/btrfs')
  return namesIn(root).flatMap((uuid) =>
    namesIn(join(root, uuid, 'devices')).flatMap((name) => {
      const device = textOf(join(root, uuid, 'devices', name, 'dev'))
      return device === null ? [] : [{ device, doing: `is part of the mounted btrfs file system ${uuid}` }]
    }),
  )
}
