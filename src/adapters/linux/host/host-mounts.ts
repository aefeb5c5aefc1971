import { parseMountinfo, type Mount } from '../../../core/node/mountinfo.ts'
import { blockDeviceAt, fileKeyAt } from '../kernel-files.ts'
import { KernelList } from '../kernel-list.ts'

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

export interface MountUses {
  readonly devices: readonly DeviceUse[]
  readonly files: readonly FileUse[]
}

/** Parsed when it changed only: what is mounted stays what it is until then. */
const lists = new Map<string, KernelList<MountUses>>()

/**
 * What is mounted in a mount namespace. Throws what reading mountinfo throws.
 *
 * @param mountinfo of a process in it. @default the agent's own
 */
export function readMounts(mountinfo = '/proc/self/mountinfo'): MountUses {
  const list = lists.get(mountinfo) ?? new KernelList(mountinfo, parseUses)
  lists.set(mountinfo, list)
  return list.now()
}

function parseUses(text: string): MountUses {
  const parsed = parseMountinfo(text)
  return { devices: mountedDevices(parsed), files: parsed.flatMap(mountedFile) }
}

/** Every device once: a file system is often mounted at many places. */
function mountedDevices(all: readonly Mount[]): DeviceUse[] {
  const first = new Map<string, DeviceUse>()
  for (const mount of all) {
    const device = deviceOf(mount)
    if (device !== null && !first.has(device)) first.set(device, { device, doing: `is mounted at ${mount.at}` })
  }
  return [...first.values()]
}

/** File systems of several devices (btrfs) have a number of their own; their source names one of the devices. */
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
