import type { Explanation } from '../../model/explanation.ts'
import type { VolumeView } from '../view.ts'
import { explainCommand } from '../words.ts'
import { drawDetails, type Fold } from './draw-details.ts'
import { element } from './element.ts'

/** What stopped a volume and what to do; from its status at once, and the whole of it when `explain` has answered. */
export function drawExplanation(volume: VolumeView, explanation: Explanation | null, evidence: Fold): HTMLElement {
  const rows: readonly (readonly [string, string])[] = [
    ['Why', explanation?.message ?? volume.cause], ['What to do', explanation?.remedy ?? volume.remedy], ['What happens next', explanation?.next ?? ''],
    ['Since', explanation?.since ?? volume.since ?? ''], ['Wanted', explanation?.wanted ?? ''], ...(explanation?.besides ?? []).map(problem => ['Besides', problem] as const),
  ]
  return element('div', { class: 'explanation' }, drawRows(rows), explanation === null ? null : drawEvidence(volume, explanation, evidence))
}

/** What is not known is left out. */
function drawRows(rows: readonly (readonly [string, string])[]): HTMLElement {
  return element('dl', {}, ...rows.filter(([, text]) => text !== '').flatMap(drawRow))
}

function drawRow([name, text]: readonly [string, string]): readonly HTMLElement[] {
  return [element('dt', {}, name), element('dd', { class: name === 'What to do' ? 'remedy' : '' }, text)]
}

function drawEvidence(volume: VolumeView, { reason, attempts, reached, evidence }: Explanation, fold: Fold): HTMLElement {
  const facts = Object.entries(evidence).flatMap(([name, value]) => (value === null ? [] : [[name, String(value)] as const]))
  const rows: readonly (readonly [string, string])[] = [
    ['reason', reason], ['reached', reached ?? 'no stage yet'], ['attempts', attempts === 0 ? '' : String(attempts)], ...facts,
    ['in a terminal', explainCommand(volume)], ['read on', `docs/reasons.md#${reason.toLowerCase()}`],
  ]
  return drawDetails('evidence', element('summary', { 'data-focus': `evidence ${volume.key}` }, 'Evidence'), [drawRows(rows)], fold)
}
