import type { HotplugError } from '../../errors.ts'

/** A Kubernetes Status object: the body of every refusal. */
export interface StatusObject {
  readonly kind: 'Status'
  readonly apiVersion: 'v1'
  readonly metadata: Readonly<Record<string, never>>
  readonly status: 'Failure'
  readonly message: string
  /** Kubernetes' word for the code; our own reason is in `details.causes`. */
  readonly reason: string
  readonly details: StatusDetails
  readonly code: number
}

export interface StatusDetails {
  readonly name?: string
  readonly group?: string
  readonly kind?: string
  /** First our reason with the exact cause, then the remedy, then the facts. */
  readonly causes: readonly StatusCause[]
  readonly retryAfterSeconds?: number
}

export interface StatusCause {
  readonly reason: string
  readonly message: string
  readonly field?: string
}

const KUBERNETES_REASONS: Readonly<Record<number, string>> = {
  400: 'BadRequest', 403: 'Forbidden', 404: 'NotFound', 405: 'MethodNotAllowed', 408: 'Timeout', 409: 'Conflict', 413: 'RequestEntityTooLarge',
  415: 'UnsupportedMediaType', 429: 'TooManyRequests', 500: 'InternalError', 503: 'ServiceUnavailable', 507: 'InternalError',
}

/** Builds the body; `details` without the causes, which come from the error. */
export function statusObject(error: HotplugError, code: number, message = error.message, about: Omit<StatusDetails, 'causes'> = {}): StatusObject {
  const wait = code === 503 || code === 429 ? { retryAfterSeconds: 1 } : {}
  return {
    kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure',
    message, reason: KUBERNETES_REASONS[code] ?? 'BadRequest', details: { ...about, causes: causesOf(error), ...wait }, code,
  }
}

function causesOf(error: HotplugError): readonly StatusCause[] {
  const facts = Object.entries(error.detail).map(([field, value]) => ({ reason: 'Evidence', message: String(value), field }))
  return [{ reason: error.reason, message: error.message }, { reason: 'Remedy', message: error.remedy }, ...facts]
}
