import { HotplugError } from '../../errors.ts'
import type { CallOutcome } from '../../ports/domains.ts'
import { isNativeFailure } from './binding.ts'

/** How a call that has a domain to itself ended. `late`: it has not ended; `settled` resolves when it has. */
export type Exclusive<T> =
  | { readonly kind: 'value'; readonly value: T }
  | { readonly kind: 'busy'; readonly message: string }
  | { readonly kind: 'late'; readonly message: string; readonly settled: Promise<void> }

/** What a changing call came to that was not rejected. */
export function outcomeOfEnd(end: Exclusive<void>): CallOutcome {
  switch (end.kind) {
    case 'value':
      return { kind: 'done' }
    case 'busy':
      return { kind: 'refused', code: 'HOTPLUGD_BUSY', message: end.message }
    case 'late':
      return { kind: 'uncertain', message: end.message, settled: end.settled }
  }
}

/**
 * What the end of a changing call means. An answer of libvirt is a refusal, in its own code and words; a connection that
 * failed leaves open what became of the call. What is not libvirt's is thrown on.
 */
export function outcomeOf(error: unknown): CallOutcome {
  if (!isNativeFailure(error)) throw error
  if (!error.lost) return { kind: 'refused', code: error.code, message: error.message }
  return { kind: 'uncertain', message: error.message, settled: Promise.resolve() }
}

/** The error of a call that only reads. */
export function readFailure(what: string, error: unknown): unknown {
  if (!isNativeFailure(error)) return error
  return unavailable(`${what}: ${error.message}`, error)
}

/** libvirt could not be asked, or did not answer. */
export function unavailable(message: string, cause?: unknown): HotplugError {
  if (!isNativeFailure(cause)) return new HotplugError('LibvirtUnavailable', message, { cause })
  const { code, number, domain } = cause
  return new HotplugError('LibvirtUnavailable', message, { cause, detail: { code, number, domain } })
}
