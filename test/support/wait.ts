import { setTimeout as sleep } from 'node:timers/promises'

/** How long a test waits for what must come; generous, because machines are slow and no test asserts durations. */
export const PATIENCE_MS = 60_000

/** Thrown by what `until` looks with: waiting longer is of no use. */
export class Hopeless extends Error {
  override readonly name = 'Hopeless'
}

/**
 * Looks every `everyMs` until `look` returns something other than undefined, null or false, and returns that.
 * Throws after `PATIENCE_MS`, naming what was waited for and the last error or answer.
 */
export const until = async <T>(what: string, look: () => Promise<T> | T, everyMs = 10): Promise<NonNullable<Exclude<T, false>>> => {
  const end = Date.now() + PATIENCE_MS
  let last: unknown
  do {
    try {
      last = await look()
      if (last !== undefined && last !== null && last !== false) return last as NonNullable<Exclude<T, false>>
    } catch (error) {
      if (error instanceof Hopeless) throw error
      last = error
    }
    await sleep(everyMs)
  } while (Date.now() < end)
  throw new Error(`waited ${PATIENCE_MS} ms for ${what}; last seen: ${last instanceof Error ? last.message : JSON.stringify(last)}`, { cause: last })
}
