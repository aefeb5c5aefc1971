import { imageBytes } from '../disk/image-size.ts'
import { at, isRecord, listAt, textAt } from './json-object.ts'

/** One entry of `status.volumeStatus`. Absent texts are empty. */
export interface VmiEntry {
  /** Its place in the list, which patches go by. */
  readonly index: number
  readonly name: string
  readonly phase: string
  readonly reason: string
  readonly message: string
  readonly target: string
  /** Its presence makes the volume a hot-plugged one. */
  readonly hotplug: HotplugEntry | null
  readonly claim: string
  readonly accessModes: readonly string[]
  readonly volumeMode: string
  /** How large an image in the claim is to be; 0: not known, or no image. */
  readonly imageBytes: number
}

/** The attachment pod as the controller names it; without a UID while it, or its replacement, is not ready. */
export interface HotplugEntry {
  readonly podName: string
  readonly podUid: string
}

/** Reads one entry, or says what is wrong with it. */
export function readEntry(item: unknown, index: number): VmiEntry | string {
  const name = textAt(item, 'name')
  if (name === null || name === '') return 'has no name'
  return {
    index,
    name,
    phase: textAt(item, 'phase') ?? '',
    reason: textAt(item, 'reason') ?? '',
    message: textAt(item, 'message') ?? '',
    target: textAt(item, 'target') ?? '',
    hotplug: readHotplug(at(item, 'hotplugVolume')),
    claim: textAt(item, 'persistentVolumeClaimInfo', 'claimName') ?? '',
    accessModes: listAt(item, 'persistentVolumeClaimInfo', 'accessModes').filter((mode) => typeof mode === 'string'),
    volumeMode: textAt(item, 'persistentVolumeClaimInfo', 'volumeMode') ?? '',
    imageBytes: readImageBytes(at(item, 'persistentVolumeClaimInfo')),
  }
}

function readImageBytes(claim: unknown): number {
  if (textAt(claim, 'volumeMode') === 'Block') return 0
  return imageBytes(textAt(claim, 'capacity', 'storage') ?? '', textAt(claim, 'filesystemOverhead') ?? '')
}

function readHotplug(value: unknown): HotplugEntry | null {
  if (!isRecord(value)) return null
  return { podName: textAt(value, 'attachPodName') ?? '', podUid: textAt(value, 'attachPodUID') ?? '' }
}
