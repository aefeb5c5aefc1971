import type { HistoryEntry } from '../agent/api.ts'
import { fits } from './view.ts'

/** An event of the history in words: `passed attached`, `is now Ready`, `is gone`. */
export function eventWords(event: string): string {
  const [, from, to] = /^phase (\S+) -> (\S+)$/.exec(event) ?? []
  if (from !== undefined) return to === 'none' ? 'is gone' : `is now ${to}`
  return /^\w+$/.test(event) ? `passed ${event}` : event
}

/** What fits the filter, the newest first. */
export function newestOf(history: readonly HistoryEntry[], filter: string): readonly HistoryEntry[] {
  const word = filter.trim().toLowerCase()
  return history.filter(({ volume, event, reason, message }) => fits(word, [volume, eventWords(event), reason ?? '', message ?? ''])).reverse()
}
