import { HotplugError } from '../../../errors.ts'
import type { Footprint } from '../../../model/source.ts'
import { addon, type BoundLoop } from '../binding.ts'
import type { BlockNames } from './block-names.ts'
import { readMounts, type DeviceUse, type FileUse } from './host-mounts.ts'
import { readSwaps } from './host-swaps.ts'
import { LATE, within } from '../in-time.ts'
import { failed } from '../system-failure.ts'

/** Something that the host itself does with a device or file. */
export interface HostUse {
  /** `/dev/loop3 is mounted at /srv`. */
  readonly words: () => string
  readonly footprint: Footprint
}

export interface HostFacts {
  readonly uses: readonly HostUse[]
  /** Loop devices with a backing file, used or not. */
  readonly loops: readonly BoundLoop[]
}

const DEADLINE_MS = 2_000
const ATTEMPTS = 3

/**
 * What the host uses at this moment: mounted file systems, swap, loop devices.
 * Throws HotplugError `SourceUnreadable` where that cannot be told, since nobody's data is safe then.
 *
 * @param mountinfo of a process in the host's mount namespace. @default the agent's own
 */
export async function readHostFacts(sysfs: string, names: BlockNames, mountinfo?: string): Promise<HostFacts> {
  const used = readUsed(mountinfo)
  const { devices: footprints, loops } = await readFootprints(used.devices, sysfs)
  const devices = used.devices.map(({ device, doing }, i) => ({
    words: () => `${names.nodeOf(device)} ${doing}`,
    footprint: footprints[i] ?? { same: [`b:${device}`], below: [] },
  }))
  return { uses: [...devices, ...used.files.map(asUse)], loops }
}

function readUsed(mountinfo: string | undefined): { devices: DeviceUse[]; files: FileUse[] } {
  try {
    const mounts = readMounts(mountinfo)
    const swaps = readSwaps()
    return { devices: [...mounts.devices, ...swaps.devices], files: [...mounts.files, ...swaps.files] }
  } catch (error) {
    throw failed('SourceUnreadable', 'tell what the host has mounted', error)
  }
}

function asUse({ path, key, doing }: FileUse): HostUse {
  return { words: () => `${path} ${doing}`, footprint: { same: [key], below: [] } }
}

/** A loop device that does not answer hangs one reading; the next one passes over it. */
async function readFootprints(uses: readonly DeviceUse[], sysfs: string): ReturnType<typeof addon.footprintsOfHost> {
  const devices = uses.map(({ device }) => device)
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const footprints = await within(DEADLINE_MS, addon.footprintsOfHost(devices, sysfs))
    if (footprints !== LATE) return footprints
  }
  throw new HotplugError('SourceUnreadable', "the host's loop devices do not answer, so what they use is unknown")
}
