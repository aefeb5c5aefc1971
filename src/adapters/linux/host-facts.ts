import { HotplugError } from '../../errors.ts'
import type { Footprint } from '../../model/source.ts'
import { addon, type BoundLoop } from './binding.ts'
import type { BlockNames } from './block-names.ts'
import { readMounts, type DeviceUse, type FileUse } from './host-mounts.ts'
import { readSwaps } from './host-swaps.ts'
import { LATE, within } from './in-time.ts'
import type { KernelRoots } from './kernel-files.ts'
import { failed } from './system-failure.ts'

/** Something that the host itself does with a device or file. */
export interface HostUse {
  /** `/dev/loop3 is mounted at /srv`. */
  readonly words: string
  readonly footprint: Footprint
}

export interface HostFacts {
  readonly uses: readonly HostUse[]
  /** Loop devices with a backing file, used or not. */
  readonly loops: readonly BoundLoop[]
}

const LOOPS_DEADLINE_MS = 2_000
const LOOPS_ATTEMPTS = 3

/**
 * What the host uses at this moment: mounted file systems, swap, loop devices.
 * Throws HotplugError `SourceUnreadable` where that cannot be told, since nobody's data is safe then.
 */
export async function readHostFacts(roots: KernelRoots, names: BlockNames): Promise<HostFacts> {
  const used = readUsed(roots)
  const [footprints, loops] = await Promise.all([
    addon.footprintsOfDevices(used.devices.map(({ device }) => device), roots.sysfs),
    readLoops(roots.sysfs),
  ])
  const devices = used.devices.map(({ device, doing }, i) => ({
    words: `${names.nodeOf(device)} ${doing}`,
    footprint: footprints[i] ?? { same: [`b:${device}`], below: [] },
  }))
  return { uses: [...devices, ...used.files.map(asUse)], loops }
}

function readUsed(roots: KernelRoots): { devices: DeviceUse[]; files: FileUse[] } {
  try {
    const mounts = readMounts(roots)
    const swaps = readSwaps(roots)
    return { devices: [...mounts.devices, ...swaps.devices], files: [...mounts.files, ...swaps.files] }
  } catch (error) {
    throw failed('SourceUnreadable', 'tell what the host has mounted', error)
  }
}

function asUse({ path, key, doing }: FileUse): HostUse {
  return { words: `${path} ${doing}`, footprint: { same: [key], below: [] } }
}

/** A loop device that does not answer hangs one reading; the next one passes over it. */
async function readLoops(sysfs: string): Promise<readonly BoundLoop[]> {
  for (let attempt = 0; attempt < LOOPS_ATTEMPTS; attempt++) {
    const loops = await within(LOOPS_DEADLINE_MS, addon.footprintsOfLoops(sysfs))
    if (loops !== LATE) return loops
  }
  throw new HotplugError('SourceUnreadable', "the host's loop devices do not answer, so what they use is unknown")
}
