import type { Detail, HotplugError, Reason } from '../../errors.ts'
import type { StageName } from '../../model/status.ts'
import { retryDelayMs } from './backoff.ts'
import type { Verb } from './decide.ts'

/** Why a volume is not where it should be: the last failure, how often it came, and when it is tried again. */
export interface Trouble {
  /** The act that failed, and is held back until `notBeforeMs`. */
  readonly verb: Verb
  readonly reason: Reason
  readonly message: string
  readonly remedy: string
  readonly detail: Detail
  /** The stage that failed; null where it belongs to none. */
  readonly stage: StageName | null
  /** ISO 8601: when this reason first came up. */
  readonly since: string
  readonly attempts: number
  /** Monotonic ms; Infinity where only a change of wish or world helps. */
  readonly notBeforeMs: number
}

/** Which act failed, in which stage (null: in none), and when: ISO 8601 for people, monotonic ms for the next try. */
export interface FailureTime {
  readonly verb: Verb
  readonly stage: StageName | null
  readonly nowIso: string
  readonly nowMs: number
}

/** The trouble after one more failure. The same reason again keeps its `since` and counts on. */
export function addFailure(previous: Trouble | null, error: HotplugError, at: FailureTime): Trouble {
  const again = previous?.reason === error.reason ? previous : null
  const attempts = (again?.attempts ?? 0) + 1
  const delayMs = retryDelayMs(error.retry, attempts)
  return {
    verb: at.verb,
    reason: error.reason,
    message: error.message,
    remedy: error.remedy,
    detail: error.detail,
    stage: at.stage,
    since: again?.since ?? at.nowIso,
    attempts,
    notBeforeMs: delayMs === null ? Infinity : at.nowMs + delayMs,
  }
}
