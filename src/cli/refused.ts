import type { StatusObject } from '../http/objects/status-object.ts'
import { EXIT, Failure } from './failure.ts'

const NOT_FOUND = ['VmNotFound', 'VolumeNotFound', 'UnknownNamespace']

/** The daemon's refusal, with the exact cause rather than KubeVirt's words for it. */
export function failureOf(code: number, text: string): Failure {
  const causes = statusOf(text)?.details?.causes ?? []
  const reason = causes[0]?.reason ?? ''
  const remedy = causes.find(cause => cause.reason === 'Remedy')?.message
  const message = causes[0]?.message ?? statusOf(text)?.message ?? `hotplugd answered ${code}: ${text.slice(0, 200)}`
  return new Failure(NOT_FOUND.includes(reason) ? EXIT.notFound : EXIT.refused, reason === '' ? message : `${message} (${reason})`, remedy ?? "See the daemon's log.")
}

/** Null where the body is not a Status, such as when something else listens there. */
function statusOf(text: string): Partial<StatusObject> | null {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? value : null
  } catch {
    return null
  }
}
