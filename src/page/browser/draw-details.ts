import { element } from './element.ts'

/** Something that can be opened, and stays so when it is drawn anew. */
export interface Fold {
  readonly isOpen: boolean
  /** Somebody opened or closed it. */
  readonly toggle: () => void
}

/** `summary` is what is seen of it while it is closed. */
export function drawDetails(name: string, summary: HTMLElement, body: readonly (Node | null)[], { isOpen, toggle }: Fold): HTMLElement {
  const made = element('details', { class: name, ...(isOpen ? { open: '' } : {}) }, summary, ...body)
  // It is told as well of what was open from the first.
  made.addEventListener('toggle', () => {
    if (made.hasAttribute('open') !== isOpen) toggle()
  })
  return made
}
