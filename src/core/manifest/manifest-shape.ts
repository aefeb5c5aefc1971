/** Where something is in a document: keys and indexes from its root. */
export type Path = readonly (string | number)[]

/** One thing that is wrong in a manifest. */
export interface Fault {
  readonly path: Path
  /** Whether the key itself is wrong, or what it holds. */
  readonly at: 'key' | 'value'
  /** What was found and what is allowed, without the path. */
  readonly message: string
}

/** A value of a document together with its place, and the list that faults go to. */
export interface Place {
  readonly value: unknown
  readonly path: Path
  readonly faults: Fault[]
}

/** A mapping of a document: keys known, values not yet looked at. */
export type Mapping = Readonly<Record<string, unknown>>

const SHOWN_CHARACTERS = 60

/** Notes a fault of the value at this place. */
export function fault(place: Place, message: string): void {
  place.faults.push({ path: place.path, at: 'value', message })
}

/**
 * The value as a mapping that holds none but the allowed keys; null, with a fault, if it is none.
 *
 * @param refused keys that deserve words of their own, and those words.
 */
export function mapping(place: Place, allowed: readonly string[], refused: Readonly<Record<string, string>> = {}): Mapping | null {
  if (!isMapping(place.value)) return wrongType(place, 'a mapping')
  for (const key of Object.keys(place.value)) {
    if (allowed.includes(key)) continue
    const message = Object.hasOwn(refused, key) ? refused[key] : null
    place.faults.push({ path: [...place.path, key], at: 'key', message: message ?? `unknown key; allowed: ${allowed.join(', ')}` })
  }
  return place.value
}

/** The value as a list of places; empty, with a fault, if it is none. */
export function list(place: Place): readonly Place[] {
  if (Array.isArray(place.value)) return place.value.map((value: unknown, index) => ({ ...place, value, path: [...place.path, index] }))
  wrongType(place, 'a list')
  return []
}

/** The value as text; null, with a fault, if it is none. */
export function text(place: Place): string | null {
  return typeof place.value === 'string' ? place.value : wrongType(place, 'text')
}

/** The value as true or false; null, with a fault, if it is neither. */
export function flag(place: Place): boolean | null {
  return typeof place.value === 'boolean' ? place.value : wrongType(place, 'true or false')
}

/** The value as one of the words; null, with a fault, if it is another. */
export function word<const T extends string>(place: Place, allowed: readonly T[]): T | null {
  return allowed.find((one) => one === place.value) ?? wrongType(place, allowed.join(', '))
}

/** The value below a key, read by `read` if the key is there; null if it is absent or wrong. */
export function optional<T>(parent: Place, key: string, read: (place: Place) => T | null): T | null {
  return has(parent.value, key) ? read(child(parent, key)) : null
}

/** The value below a key, read by `read`; a fault if the key is absent. */
export function required<T>(parent: Place, key: string, read: (place: Place) => T | null): T | null {
  if (has(parent.value, key)) return read(child(parent, key))
  if (isMapping(parent.value)) fault(parent, `${key} is missing`)
  return null
}

/** What was found, in words that fit a message. */
export function describe(value: unknown): string {
  if (value === null || value === undefined) return 'nothing'
  if (typeof value === 'string') return `the text ${JSON.stringify(value.length > SHOWN_CHARACTERS ? `${value.slice(0, SHOWN_CHARACTERS)}…` : value)}`
  if (Array.isArray(value)) return 'a list'
  return typeof value === 'object' ? 'a mapping' : `the ${typeof value} ${JSON.stringify(value)}`
}

function wrongType(place: Place, allowed: string): null {
  const quotes = allowed === 'text' && typeof place.value !== 'object' ? ' (put it in quotes)' : ''
  fault(place, `found ${describe(place.value)}, allowed: ${allowed}${quotes}`)
  return null
}

function child(parent: Place, key: string): Place {
  return { ...parent, value: (parent.value as Mapping)[key], path: [...parent.path, key] }
}

function has(value: unknown, key: string): boolean {
  return isMapping(value) && Object.hasOwn(value, key)
}

function isMapping(value: unknown): value is Mapping {
  if (typeof value !== 'object' || value === null) return false
  return Object.getPrototypeOf(value) === Object.prototype
}
