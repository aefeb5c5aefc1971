import type { Lane, Step } from '../lane.ts'
import { shortDuration } from '../words.ts'
import { element } from './element.ts'

/** Nothing is told by colour alone: each state has a sign, and a word for who hears the page. */
const SIGNS: Readonly<Record<Step['state'], readonly [string, string]>> = {
  passed: ['✓', 'passed'], underWay: ['●', 'under way'], held: ['!', 'held up here'], ahead: ['○', 'still to come'],
}

export function drawLane({ direction, steps }: Lane): HTMLElement {
  return element('ol', { class: 'lane', 'aria-label': direction === 'in' ? 'The way into the guest' : 'The way out of the guest' }, ...steps.map(drawStep))
}

function drawStep({ name, state, durationMs, startedAt }: Step): HTMLElement {
  const [sign, word] = SIGNS[state]
  return element(
    'li', { class: `step ${state}`, ...(startedAt === null ? {} : { title: `began ${startedAt}` }) },
    element('span', { class: 'sign', 'aria-hidden': 'true' }, sign),
    element('span', { class: 'stage' }, name),
    element('span', { class: 'took' }, durationMs === null ? '' : shortDuration(durationMs)),
    element('span', { class: 'unseen' }, `, ${word}`),
  )
}
