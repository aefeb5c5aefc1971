import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { kernelFeatures } from '../adapters/linux/kernel-features.ts'
import type { Mode } from '../config/config.ts'
import { failed, ok, warning, type Finding } from './finding.ts'
import type { Surroundings } from './surroundings.ts'

const ALWAYS = ['openat2', 'statx']
const NEEDED: Readonly<Record<Mode, readonly string[]>> = { standalone: ALWAYS, kubernetes: [...ALWAYS, 'setns', 'open_tree', 'move_mount'] }

/** The system calls that it lives on, and what tells one disk from the next under the same number. */
export function lookAtKernel({ config }: Surroundings): readonly Finding[] {
  const release = readFileSync('/proc/sys/kernel/osrelease', 'utf8').trim()
  const features = kernelFeatures()
  const calls = NEEDED[config.mode]
  const missing = calls.flatMap((call) => (features.get(call) ? [`${call} (${features.get(call)})`] : []))
  const found = missing.length === 0
    ? ok('kernel', `Linux ${release} has ${calls.join(', ')}`)
    : failed('kernel', `Linux ${release} refuses ${missing.join(', ')}`, 'ENOSYS: run a kernel of 5.6 or newer. EPERM: give the process its capabilities, and a seccomp profile that knows these calls (RuntimeDefault of a current runtime).')
  return [found, ...diskSequence('/sys/block')]
}

/** Linux 5.15 and newer number every disk that ever was. */
function diskSequence(directory: string): readonly Finding[] {
  const disks = existsSync(directory) ? readdirSync(directory) : []
  const numbered = disks.filter((disk) => existsSync(`${directory}/${disk}/diskseq`))
  if (disks.length === 0) return [warning('diskseq', `${directory} lists no block device`, 'Mount sysfs at /sys, where block devices are to be plugged.')]
  if (numbered.length > 0) return [ok('diskseq', `the kernel numbers its disks (${numbered.length} of ${disks.length} in ${directory})`)]
  return [warning('diskseq', `no disk in ${directory} has a diskseq`, 'Run a kernel of 5.15 or newer: before that, a device number that was given to another disk meanwhile cannot always be noticed.')]
}
