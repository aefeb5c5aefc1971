import { isReason } from '../../errors.ts'
import type { VolumeStatus } from '../../model/status.ts'

/** A failure in the words of a status entry or an Event. */
export interface Failure {
  readonly reason: string
  readonly message: string
}

/** What belongs to every way in or out, or is over by itself as soon as somebody else has done his part: nothing to write about. */
const NO_FAILURE: readonly string[] = [
  'VolumeReady', 'Plugging', 'Detaching', 'VolumeReleased', 'Synchronizing', 'OutcomeUncertain', 'AwaitingController', 'ClaimNotReady',
  'AttachmentPodNotReady', 'LauncherNotFound', 'VmNotFound', 'VmNotRunning', 'VmiNotRunning', 'VmSaved', 'MigrationUnderWay', 'VmiElsewhere',
  'VmiUnknown', 'ManifestsUnreadable', 'ApiServerUnavailable', 'ApiUnauthorized', 'ApiForbidden', 'ApiRefused', '',
]

/** Reasons in the catalogue that are the contract's own words for success. */
const CONTRACTS: readonly string[] = ['VolumeReady']

/** What went wrong with a volume, for people; null if nothing did. */
export function failureOf(status: VolumeStatus | null, isSilent: boolean): Failure | null {
  return status !== null && isFailure(status.reason, isSilent) ? { reason: status.reason, message: status.message } : null
}

/** Whether a reason that stands in an entry is a failure that the agent wrote. */
export function isOwnReason(reason: string): boolean {
  return isReason(reason) && !CONTRACTS.includes(reason)
}

/** A libvirt that restarts is silent for a moment, and so is every one when the agent starts: only a long silence is told. */
function isFailure(reason: string, isSilent: boolean): boolean {
  if (reason === 'LibvirtUnavailable') return isSilent
  return !NO_FAILURE.includes(reason)
}
