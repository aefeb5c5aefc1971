import { printable } from '../../cli/table.ts'

export type Child = Node | string | null

/**
 * An element. Texts go in as text, never as HTML, with what could steer the reader's eye (bidirectional marks, invisible
 * letters) shown as an escape: names and messages are a tenant's. `null` children are left out.
 */
export function element(tag: string, attributes: Readonly<Record<string, string>>, ...children: readonly Child[]): HTMLElement {
  const made = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value)
  for (const child of children) if (child !== null) made.append(typeof child === 'string' ? printable(child) : child)
  return made
}

/** The element of the page that has this id. Throws where the page has none. */
export function byId(id: string): HTMLElement {
  const found = document.getElementById(id)
  if (found === null) throw new Error(`the page has no ${id}`)
  return found
}

/** Replaces a text, and touches nothing where it is the same: what is selected or spoken stays. */
export function setText(target: HTMLElement, text: string): void {
  const safe = printable(text)
  if (target.textContent !== safe) target.textContent = safe
}
