import { type Detail, HotplugError, type Reason } from '../../errors.ts'

/** A failed system call, as the addon and Node itself throw it: `code` is errno's symbolic name. */
export interface SystemFailure extends Error {
  readonly code: string
  readonly syscall: string
  readonly path?: string
}

export function isSystemFailure(error: unknown): error is SystemFailure {
  return error instanceof Error && 'code' in error && 'syscall' in error
}

/** Whether the failure says that there is nothing under that name. */
export function meansAbsent(error: unknown): boolean {
  return isSystemFailure(error) && (error.code === 'ENOENT' || error.code === 'ENOTDIR')
}

/** The failure under a reason of the catalogue, with errno and call in words and, beside `more`, in the detail. What is no failure of a system call is passed on. */
export function failed(reason: Reason, doing: string, cause: unknown, more: Detail = {}): HotplugError {
  if (!isSystemFailure(cause)) throw cause
  const { code, syscall, path } = cause
  return new HotplugError(reason, `cannot ${doing}: ${code} from ${syscall}`, { cause, detail: { errno: code, syscall, ...(path !== undefined && { path }), ...more } })
}
