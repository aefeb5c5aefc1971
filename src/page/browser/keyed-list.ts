/** One piece of a list: drawn anew only when what it shows has changed. */
export interface Piece {
  readonly key: string
  /** All that the drawing depends on. */
  readonly shows: unknown
  readonly draw: () => HTMLElement
}

interface Drawn {
  readonly digest: string
  readonly node: HTMLElement
}

/** A list that keeps the nodes of what has not changed, so that focus, selection and scrolling stay where they are. */
export class KeyedList {
  readonly #box: Element
  #drawn = new Map<string, Drawn>()

  constructor(box: Element) {
    this.#box = box
  }

  show(pieces: readonly Piece[]): void {
    const focused = document.activeElement?.getAttribute('data-focus') ?? null
    const next = new Map(pieces.map(piece => [piece.key, this.#draw(piece)]))
    for (const [key, { node }] of this.#drawn) if (next.get(key)?.node !== node) node.remove()
    this.#drawn = next
    let at = this.#box.firstElementChild
    for (const { node } of next.values()) {
      if (node === at) at = at.nextElementSibling
      else this.#box.insertBefore(node, at)
    }
    if (focused !== null) this.#refocus(focused)
  }

  #draw({ key, shows, draw }: Piece): Drawn {
    const digest = JSON.stringify(shows)
    const known = this.#drawn.get(key)
    return known?.digest === digest ? known : { digest, node: draw() }
  }

  /** What had the focus may have been drawn anew. */
  #refocus(focused: string): void {
    if (document.activeElement?.getAttribute('data-focus') === focused) return
    const again = [...this.#box.querySelectorAll<HTMLElement>('[data-focus]')].find(node => node.getAttribute('data-focus') === focused)
    again?.focus({ preventScroll: true })
  }
}
