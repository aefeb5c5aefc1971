import type { ObservedVmi } from '../../model/observed.ts'
import type { HeldUp } from './follow-stage.ts'
import { diagnose } from './kubevirt-words.ts'
import { isSerialTooLong } from '../disk/serial.ts'

/** Phases in which KubeVirt's node side still has to do something. */
const AT_HANDLER: readonly string[] = ['AttachedToNode', 'MountedToPod']

/**
 * Which volume keeps the others of a VM waiting, by name. KubeVirt 1.9 handles them one after another in the order of
 * their names and begins anew at the first failure (watched): a volume whose mounting fails holds up every other that is
 * not Ready, one without disk.img those after it in the alphabet. A disk that libvirt refuses holds up the attaching of
 * those that come after it in the spec.
 */
export function heldUpIn(vmi: ObservedVmi): (volume: string) => HeldUp | null {
  const mounting = unmountable(vmi)
  const attaching = unattachable(vmi)
  return (volume) => {
    if (mounting !== null && mounting.volume !== volume && (mounting.holdsAll || volume > mounting.volume)) return mounting
    return attaching !== null && isBehind(vmi, attaching.volume, volume) ? attaching : null
  }
}

function unmountable(vmi: ObservedVmi): (HeldUp & { readonly holdsAll: boolean }) | null {
  const diagnosis = diagnose(vmi.failure)
  const isWaiting = vmi.entries.some(({ name, phase }) => name === diagnosis?.volume && phase !== 'Ready')
  if (diagnosis === null || !isWaiting) return null
  return { volume: diagnosis.volume, cause: diagnosis.cause, holdsAll: diagnosis.reason !== 'ImageMissing' }
}

/** The first of the spec that got as far as libvirt and will never get further. */
function unattachable(vmi: ObservedVmi): HeldUp | null {
  const isAtHandler = (name: string): boolean => vmi.entries.some((entry) => entry.name === name && AT_HANDLER.includes(entry.phase))
  for (const { name, disk } of vmi.volumes) {
    if (isSerialTooLong(disk.serial) && isAtHandler(name)) return { volume: name, cause: 'its serial is longer than 36 bytes, which QEMU refuses' }
  }
  return null
}

function isBehind(vmi: ObservedVmi, first: string, second: string): boolean {
  const names = vmi.volumes.map(({ name }) => name)
  return names.indexOf(second) > names.indexOf(first)
}
