import { formatAge } from '../../config/duration.ts'
import type { Health } from '../health.ts'
import type { Counts, View } from '../view.ts'
import type { Answers } from './answers.ts'
import { byId, element, setText } from './element.ts'
import { KeyedList } from './keyed-list.ts'
import type { LinkState } from './link.ts'

const WORDS: readonly (readonly [keyof Counts, string])[] = [['stuck', '!'], ['moving', '→'], ['waiting', '…'], ['ready', '✓']]

/** What is around the lists: the head, the counts, the notices, and what is spoken to who does not see. */
export class Surroundings {
  readonly #counts = new KeyedList(byId('counts'))
  readonly #notices = new KeyedList(byId('notices'))
  #standings: ReadonlyMap<string, string> | null = null

  draw(view: View, link: LinkState, { about, health }: Answers): void {
    this.#counts.show(WORDS.map(([word, sign]) => ({ key: word, shows: view.counts[word], draw: () => drawCount(word, sign, view.counts[word]) })))
    this.#notices.show(noticesOf(link, health).map(([kind, text]) => ({ key: text, shows: kind, draw: () => element('p', { class: `notice ${kind}` }, text) })))
    document.documentElement.dataset['link'] = link.kind
    setText(byId('link'), link.kind === 'live' ? 'live' : link.kind === 'lost' ? 'not connected' : 'connecting …')
    setText(byId('node'), about.node)
    setText(byId('about'), [about.version === '' ? '' : `hotplugd ${about.version}`, ...health.notes].filter(Boolean).join(' · '))
    document.title = `${view.counts.stuck === 0 ? '' : `${view.counts.stuck} stuck · `}hotplugd ${about.node}`
    if (link.kind === 'live') this.#speak(view)
  }

  /** What came to stand in another way since the last time. */
  #speak(view: View): void {
    const volumes = view.vms.flatMap(vm => vm.volumes)
    const before = this.#standings
    this.#standings = new Map(volumes.map(({ key, words }) => [key, words]))
    if (before === null) return
    const news = volumes.filter(({ key, words, standing }) => before.get(key) !== words && (before.has(key) || standing !== 'ready'))
    if (news.length > 0) setText(byId('spoken'), news.length > 3 ? `${news.length} volumes changed` : news.map(({ name, vm, words }) => `${name} of ${vm}: ${words}`).join('; '))
  }
}

function drawCount(word: string, sign: string, count: number): HTMLElement {
  return element('li', { class: count === 0 ? `count ${word} zero` : `count ${word}` }, element('span', { class: 'sign', 'aria-hidden': 'true' }, sign), element('strong', {}, String(count)), ` ${word}`)
}

function noticesOf(link: LinkState, { blocking, warnings }: Health): readonly (readonly ['bad' | 'warn', string])[] {
  if (link.kind === 'lost') return [['bad', lostWords(link)]]
  return [...blocking.map(text => ['bad', `hotplugd is not ready: ${text}`] as const), ...warnings.map(text => ['warn', text] as const)]
}

function lostWords({ why, isOver, lastMs }: Extract<LinkState, { kind: 'lost' }>): string {
  if (isOver) return 'This session is over: run hotplugctl ui again, and open the address that it prints.'
  const shown = lastMs === null ? '' : ` What is shown is of ${new Date(lastMs).toLocaleTimeString('en-GB')}.`
  return `Not connected: ${why}.${shown} It is tried again by itself.`
}

/** Writes how long ago each time is. */
export function tellAges(nowMs: number): void {
  for (const age of document.querySelectorAll<HTMLElement>('time.age')) setText(age, ` for ${formatAge(nowMs - Date.parse(age.getAttribute('datetime') ?? ''))}`)
}
