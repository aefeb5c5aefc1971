import type { Explanation } from '../../model/explanation.ts'
import type { HistoryEntry } from '../../agent/api.ts'
import type { VolumeView } from '../view.ts'
import type { Fold } from './draw-details.ts'
import { drawExplanation } from './draw-explanation.ts'
import { drawEntry } from './draw-history.ts'
import { drawLane } from './draw-lane.ts'
import { element } from './element.ts'

/** What a volume is drawn from, beside its view. */
export interface VolumeParts extends Fold {
  readonly explanation: Explanation | null
  readonly history: readonly HistoryEntry[]
  /** Where it is drawn: the same volume may be on the page twice. */
  readonly place: 'stuck' | 'moving' | 'vms'
  readonly evidence: Fold
}

const SIGNS = { stuck: '!', moving: '→', waiting: '…', ready: '✓', ordinary: '' } as const

export function drawVolume(volume: VolumeView, parts: VolumeParts): HTMLElement {
  const isExplained = parts.place === 'stuck' || (parts.isOpen && volume.standing !== 'ready')
  const cause = volume.cause === '' || isExplained ? null : element('p', { class: 'cause' }, volume.cause)
  return element(
    'article', { class: `volume ${volume.standing}`, 'data-volume': volume.key },
    drawHead(volume, parts), drawLane(volume.lane), cause,
    isExplained ? drawExplanation(volume, parts.explanation, parts.evidence) : null,
    parts.isOpen ? drawMore(volume, parts) : null,
  )
}

function drawHead(volume: VolumeView, { place, isOpen, toggle }: VolumeParts): HTMLElement {
  const where = place === 'vms' ? volume.disk : `of ${volume.namespace === 'default' ? '' : `${volume.namespace}/`}${volume.vm}`
  const button = element('button', { type: 'button', 'aria-expanded': String(isOpen), 'data-focus': `${place} ${volume.key}` }, element('bdi', {}, volume.name))
  button.addEventListener('click', toggle)
  return element(
    'header', {},
    element('h3', {}, button, element('span', { class: 'of' }, ` ${where}`)),
    element('p', { class: 'standing' }, element('span', { class: 'sign', 'aria-hidden': 'true' }, SIGNS[volume.standing]), volume.words, drawAge(volume.since)),
  )
}

/** The page's clock writes into it. */
function drawAge(since: string | null): HTMLElement | null {
  return since === null ? null : element('time', { class: 'age', datetime: since, title: `since ${since}` })
}

function drawMore(volume: VolumeView, { history }: VolumeParts): HTMLElement {
  const facts = volume.facts.map(([name, value]) => element('div', {}, element('dt', {}, name), element('dd', {}, value)))
  return element(
    'div', { class: 'more-of-it' },
    element('dl', { class: 'facts' }, ...facts),
    history.length === 0 ? null : element('ol', { class: 'told', 'aria-label': 'History of this volume' }, ...history.map(entry => drawEntry(entry, false))),
  )
}
