import type { HotplugError, Reason } from '../../errors.ts'
import { codeOf } from './reason-codes.ts'
import { statusObject, type StatusObject } from './status-object.ts'

export type Resource = 'virtualmachines' | 'virtualmachineinstances'

/** What a refused request was about. */
export interface Subject {
  readonly resource: Resource
  readonly vm: string
  readonly verb: 'get' | 'add' | 'remove'
  readonly volume?: string
  readonly source?: string
}

/**
 * The body of a refusal. Where KubeVirt has words for the case, `message` has exactly those, and the exact cause follows
 * in `details.causes`.
 */
export function refusal(error: HotplugError, subject?: Subject): StatusObject {
  if (subject === undefined) return statusObject(error, codeOf(error.reason))
  const kind = subject.resource.slice(0, -1)
  const about = { name: subject.vm, group: 'kubevirt.io', kind }
  const named = `${kind}.kubevirt.io "${subject.vm}"`
  if (error.reason === 'VmNotFound') return statusObject(error, 404, `${named} not found`, about)
  if (error.reason === 'HotplugDisabled') return statusObject(error, 400, GATES_OFF, about)
  const conflict = conflictWords(error.reason, subject)
  if (conflict === null) return statusObject(error, codeOf(error.reason), error.message, about)
  return statusObject(error, 409, `Operation cannot be fulfilled on ${named}: ${conflict}`, about)
}

const GATES_OFF = 'Enable DeclarativeHotplugVolumes or HotplugVolumes feature gate to use this API.'

function conflictWords(reason: Reason, { verb, volume, source }: Subject): string | null {
  if (verb === 'add' && reason === 'NameTaken') return `Unable to add volume [${volume}] because volume with that name already exists`
  if (verb === 'add' && reason === 'SourceTaken') return `Unable to add volume source [${source}] because it already exists`
  if (verb === 'remove' && reason === 'NotHotplugged') return `Unable to remove volume [${volume}] because it is not hotpluggable`
  if (verb === 'remove' && reason === 'VolumeNotFound') return `Unable to remove volume [${volume}] because it does not exist`
  return null
}
