/** A value that was understood, or what would have been allowed in its place. */
export type Parsed<T> = { readonly value: T } | { readonly found: string; readonly allowed: string }

/** Makes a value of the texts that were given for an option: one text, or several for an option that repeats. */
export type Parse<T> = (texts: readonly string[]) => Parsed<T>

/** An option's parser for a single text, from one that answers null for what it does not understand. */
export function single<T>(allowed: string, read: (text: string) => T | null): Parse<T> {
  return ([text = '']) => {
    const value = read(text)
    return value === null ? { found: text, allowed } : { value }
  }
}

/** The same for an option that may be absent: no text at all is `null`. */
export function optional<T>(allowed: string, read: (text: string) => T | null): Parse<T | null> {
  const parse = single(allowed, read)
  return texts => (texts.length === 0 ? { value: null } : parse(texts))
}

/** One of a closed list of words. */
export function oneOf<const T extends string>(words: readonly T[]): Parse<T> {
  return single(words.join(', '), text => words.find(word => word === text) ?? null)
}
