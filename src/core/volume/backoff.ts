import type { Retry } from '../../errors.ts'

const FIRST_MS = { soon: 100, later: 1_000 } as const
const LONGEST_MS = { soon: 2_000, later: 5_000 } as const

/**
 * How long to wait before trying again after `attempts` failures (1 or more), doubling up to a limit; null: trying
 * again cannot help, only a changed wish or world.
 */
export function retryDelayMs(retry: Retry, attempts: number): number | null {
  if (retry === 'never') return null
  return Math.min(FIRST_MS[retry] * 2 ** Math.min(attempts - 1, 20), LONGEST_MS[retry])
}
