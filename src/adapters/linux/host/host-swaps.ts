import { unescapeOctal } from '../../../core/node/mountinfo.ts'
import type { DeviceUse, FileUse } from './host-mounts.ts'
import { blockDeviceAt, fileKeyAt } from '../kernel-files.ts'
import { KernelList } from '../kernel-list.ts'
import { meansAbsent } from '../system-failure.ts'

const doing = 'is used as swap space'

const swaps = new KernelList('/proc/swaps', (text) => {
  const paths = text.split('\n').slice(1).flatMap((line) => pathOf(line) ?? [])
  return { devices: paths.flatMap(asDevice), files: paths.flatMap(asFile) }
})

/** Devices and files that the host swaps on; none where the kernel cannot swap. Throws what reading the list throws. */
export function readSwaps(): { devices: readonly DeviceUse[]; files: readonly FileUse[] } {
  try {
    return swaps.now()
  } catch (error) {
    if (!meansAbsent(error)) throw error
    return { devices: [], files: [] }
  }
}

function pathOf(line: string): string | null {
  const [path = ''] = line.split(/\s/, 1)
  return path.startsWith('/') ? unescapeOctal(path) : null
}

function asDevice(path: string): DeviceUse[] {
  const device = blockDeviceAt(path)
  return device === null ? [] : [{ device, doing }]
}

function asFile(path: string): FileUse[] {
  const key = fileKeyAt(path)
  return key === null ? [] : [{ path, key, doing }]
}
