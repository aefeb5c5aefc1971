import { closeSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { HotplugError } from '../../errors.ts'
import { addon } from './binding.ts'
import { isSystemFailure } from './system-failure.ts'

/** The lock, held until it is released or the process ends, however that comes about. */
export interface NodeLock {
  release(): void
}

export interface NodeLockOptions {
  /** Gives the wait up; the promise is rejected with the signal's reason. */
  readonly signal?: AbortSignal
  /** Another process holds the lock; `pid` is 0 if it did not say which. Called once, before the wait. */
  readonly onWait?: (holder: { readonly pid: number }) => void
}

/**
 * Makes sure that one agent only works with this run directory (made if it is not there, mode 0711). The lock is an
 * flock(2) on `lock` in it, so the kernel releases it with the process; a waiting agent gets it at that moment.
 * Throws HotplugError `JournalUnwritable` where the file cannot be made or locked.
 */
export async function acquireNodeLock(runDir: string, options: NodeLockOptions = {}): Promise<NodeLock> {
  options.signal?.throwIfAborted()
  try {
    const fd = await acquire(runDir, options)
    return { release: () => closeSync(fd) }
  } catch (error) {
    throw isSystemFailure(error) ? unlockable(runDir, error) : error
  }
}

async function acquire(runDir: string, { signal, onWait }: NodeLockOptions): Promise<number> {
  mkdirSync(runDir, { recursive: true, mode: 0o711 })
  const path = join(runDir, 'lock')
  const tried = addon.tryNodeLock(path)
  if (tried.fd !== undefined) return tried.fd
  onWait?.({ pid: tried.holder })
  return wait(path, signal)
}

async function wait(path: string, signal: AbortSignal | undefined): Promise<number> {
  const { promise, cancel } = addon.awaitNodeLock(path)
  signal?.addEventListener('abort', cancel, { once: true })
  try {
    const fd = await promise
    if (signal?.aborted !== true) return fd
    closeSync(fd) // the lock came in the very moment of giving up
    throw signal.reason
  } catch (error) {
    throw signal?.aborted === true ? signal.reason : error
  } finally {
    signal?.removeEventListener('abort', cancel)
  }
}

function unlockable(runDir: string, cause: { readonly code: string; readonly syscall: string }): HotplugError {
  const { code, syscall } = cause
  return new HotplugError('JournalUnwritable', `cannot lock the run directory ${runDir}: ${code} from ${syscall}`, {
    cause,
    detail: { path: runDir, errno: code, syscall },
  })
}
