import { join } from 'node:path'
import type { DeviceUse, FileUse } from './host-mounts.ts'
import { blockDeviceAt, fileKeyAt, textOf, type KernelRoots } from './kernel-files.ts'
import { unescapeOctal } from './mountinfo.ts'

const doing = 'is used as swap space'

/** Devices and files that the host swaps on. */
export function readSwaps({ proc }: KernelRoots): { devices: DeviceUse[]; files: FileUse[] } {
  const lines = (textOf(join(proc, 'swaps')) ?? '').split('\n').slice(1)
  const paths = lines.flatMap((line) => pathOf(line) ?? [])
  return { devices: paths.flatMap(asDevice), files: paths.flatMap(asFile) }
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
