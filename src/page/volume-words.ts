import { causeOf } from '../cli/cause.ts'
import type { VolumeObject } from '../http/objects/volume-object.ts'

/** Of these nothing is to be said: how the volume stands says it all. */
const PROGRESS: readonly string[] = ['VolumeReady', 'Plugging', 'Detaching', 'VolumeReleased']
/** Only time is missing, at first: they count as trouble once they last. */
const NEEDS_TIME = /^(Wait|Nothing to do)/
/** The VM is off, or out of sight: nothing is wrong with the volume itself. */
const WAITS_FOR_VM: readonly string[] = ['VmNotRunning', 'VmSaved', 'VmiNotRunning', 'LibvirtUnavailable', 'MigrationUnderWay', 'VmiElsewhere', 'LauncherNotFound']
/** What only needs time is trouble after this. */
export const PATIENCE_MS = 15_000

/** How a volume stands, in the few words that a person needs at first. */
export type Standing = 'ordinary' | 'ready' | 'moving' | 'waiting' | 'stuck'

/** How a volume stands; what should have been over by now is stuck. */
export function standingOf(volume: VolumeObject, nowMs: number): Standing {
  const { hotplugVolume, phase, reason = '', remedy = '' } = volume
  if (hotplugVolume === undefined) return 'ordinary'
  if (phase === 'Ready' && (reason === 'VolumeReady' || reason === '')) return 'ready'
  if (WAITS_FOR_VM.includes(reason)) return 'waiting'
  if (reason === '' || NEEDS_TIME.test(remedy)) return isOverdue(volume, nowMs) ? 'stuck' : 'moving'
  return 'stuck'
}

function isOverdue(volume: VolumeObject, nowMs: number): boolean {
  const since = Date.parse(sinceOf(volume) ?? '')
  return nowMs - since > PATIENCE_MS
}

/** Since when the volume is ready, or is not (ISO 8601); null: not known. */
export function sinceOf({ conditions = [] }: VolumeObject): string | null {
  return conditions.find(({ type }) => type === 'Ready')?.lastTransitionTime ?? null
}

/** What a person reads first. */
export function standingWords(volume: VolumeObject, standing: Standing): string {
  if (standing === 'stuck') return volume.phase === 'Ready' ? 'in the guest, but not in order' : volume.phase === 'Detaching' ? 'stuck on its way out' : 'stuck on its way in'
  if (standing === 'moving') return volume.phase === 'Detaching' ? 'on its way out' : 'on its way in'
  if (standing === 'waiting') return volume.phase === 'Ready' ? 'out of sight' : 'waiting for the VM'
  return standing === 'ready' ? 'ready' : "the VM's own"
}

/** Why it stands so, without the remedy, which is shown beside it. Empty where there is nothing to say. */
export function causeWords(volume: VolumeObject, standing: Standing): string {
  const isPlain = standing === 'ready' || standing === 'ordinary' || (standing === 'moving' && isProgress(volume.reason ?? ''))
  return isPlain ? '' : causeOf(volume.message ?? '', volume)
}

/** Whether a reason only says that things go their way. */
export function isProgress(reason: string): boolean {
  return PROGRESS.includes(reason)
}
