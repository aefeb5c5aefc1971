import { HotplugError, type Reason } from '../../../errors.ts'
import { at, isRecord, textAt } from '../../../core/cluster/json-object.ts'

/** What the API server answered that is no success. */
export interface Refusal {
  readonly status: number
  /** The server's own words (`Status.message`), or the beginning of what it sent instead. */
  readonly message: string
  /** `Status.reason`, such as `Conflict`, `Invalid`, `Expired`. */
  readonly reason: string
  /** How long the server asks to be left alone. */
  readonly retryAfterMs: number | null
}

const SHOWN_CHARACTERS = 300

/** Reads an answer that is no success; whatever came is described, never trusted to be a Status object. */
export function readRefusal(status: number, body: string, retryAfter: string | undefined): Refusal {
  const parsed = parse(body)
  const message = textAt(parsed, 'message') ?? body.trim()
  const seconds = Number(retryAfter ?? at(parsed, 'details', 'retryAfterSeconds') ?? Number.NaN)
  return {
    status,
    message: message.length > SHOWN_CHARACTERS ? `${message.slice(0, SHOWN_CHARACTERS)}…` : message,
    reason: textAt(parsed, 'reason') ?? '',
    retryAfterMs: Number.isFinite(seconds) && seconds >= 0 ? seconds * 1_000 : null,
  }
}

/** The error that a refusal is, where it is none of the expected outcomes. */
export function refusalError(what: string, refusal: Refusal): HotplugError {
  const { status, message, retryAfterMs } = refusal
  return new HotplugError(reasonOf(status), `${what}: the API server answered ${status}${message === '' ? '' : `: ${message}`}`, {
    detail: { status, retryAfterMs },
  })
}

/** No answer came: the connection failed, or the time ran out. */
export function unreachable(what: string, cause: unknown): HotplugError {
  if (cause instanceof HotplugError) return cause
  const why = cause instanceof Error ? cause.message || cause.name : String(cause)
  const code = isRecord(cause) && typeof cause['code'] === 'string' ? cause['code'] : null
  return new HotplugError('ApiServerUnavailable', `${what}: ${why}`, { cause, detail: { code } })
}

/** How long the server asked to be left alone, if the error comes of such an answer. */
export function retryAfterOf(error: HotplugError): number {
  const asked = error.detail['retryAfterMs']
  return typeof asked === 'number' ? asked : 0
}

function reasonOf(status: number): Reason {
  if (status === 401) return 'ApiUnauthorized'
  if (status === 403) return 'ApiForbidden'
  return status === 429 || status >= 500 ? 'ApiServerUnavailable' : 'ApiRefused'
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return null
  }
}
