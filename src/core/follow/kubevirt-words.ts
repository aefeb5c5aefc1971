import type { Reason } from '../../errors.ts'
import type { ObservedFailure } from '../../model/observed.ts'

/** What KubeVirt says about one volume, made readable. */
export interface Diagnosis {
  readonly volume: string
  readonly reason: Reason
  readonly cause: string
}

const SHOWN_CHARACTERS = 500
/** `failed to mount filesystem hotplug volume NAME: …`, `… block hotplug volume NAME: …` */
const ABOUT_VOLUME = /\bfailed to (?:un)?mount (filesystem|block) hotplug volume ([^\s:]+): (.*)$/su
const WORDS: readonly (readonly [RegExp, Reason, string])[] = [
  [/not a directory|is a directory/iu, 'ImageIsDirectory', 'disk.img in the claim is a directory'],
  [/target device .* not a block device/iu, 'ExposureFailed', 'in the launcher something else is in the place of the device'],
  [/no device in|not a block device|is not a device/iu, 'WrongKindOfDevice', 'what the attachment pod has for the claim is not a block device'],
  [/no such file or directory|does not exist|unable to find/iu, 'ImageMissing', 'the claim holds no disk.img'],
  [/permission denied|operation not permitted/iu, 'PermissionDenied', 'KubeVirt may not reach what is in the claim'],
]

/** The volume that KubeVirt's condition names, and what is wrong with it in plain words; null if it names none. */
export function diagnose(failure: ObservedFailure | null): Diagnosis | null {
  const [, mode, volume, rest] = ABOUT_VOLUME.exec(failure?.message ?? '') ?? []
  if (volume === undefined || rest === undefined) return null
  const known = WORDS.find(([pattern]) => pattern.test(rest))
  if (known === undefined) return { volume, reason: 'KubeVirtReports', cause: `KubeVirt says: ${plain(rest)}` }
  const [, reason, cause] = known
  if (reason === 'ImageMissing' && mode === 'block') return { volume, reason: 'SourceMissing', cause: 'the device of the claim was not found in the attachment pod' }
  return { volume, reason, cause }
}

/** KubeVirt's words without the usage page of the tool that failed. */
export function plain(message: string): string {
  const [first = ''] = message.split(/\s*\n\s*(?:Usage|Flags):/u)
  const line = first.replace(/\s+/gu, ' ').trim()
  return line.length > SHOWN_CHARACTERS ? `${line.slice(0, SHOWN_CHARACTERS)}…` : line
}
