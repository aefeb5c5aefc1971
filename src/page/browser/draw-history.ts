import type { HistoryEntry } from '../../agent/api.ts'
import { eventWords } from '../told.ts'
import { isProgress } from '../volume-words.ts'
import { shortDuration } from '../words.ts'
import { element } from './element.ts'

/** One line of the history. */
export function drawEntry({ at, volume, event, durationMs, reason, message }: HistoryEntry, isNamed: boolean): HTMLElement {
  const isPlain = reason === null || isProgress(reason)
  return element(
    'li', { class: isPlain ? 'entry' : 'entry trouble' },
    element('time', { datetime: at, title: at }, clockTime(at)),
    isNamed ? element('span', { class: 'subject' }, element('bdi', {}, volume)) : null,
    element('span', { class: 'event' }, eventWords(event), durationMs === null ? '' : ` in ${shortDuration(durationMs)}`),
    isPlain ? null : element('span', { class: 'why' }, `${reason}: ${message ?? ''}`),
  )
}

/** By the clock of who looks; the title has it in full. */
function clockTime(iso: string): string {
  const date = new Date(iso)
  const isToday = date.toDateString() === new Date().toDateString()
  return isToday ? date.toLocaleTimeString('en-GB') : date.toLocaleString('en-GB')
}
