/** What stands in place of a secret. */
export const BLOT = '[blotted out]'

const SECRET_NAME = '(?:pass(?:word|wd|phrase)?|passwd|token|secret|credentials?|api[-_]?key|private[-_]?key|client-key-data|client-certificate-data|authorization)'

const RULES: readonly (readonly [RegExp, string])[] = [
  // keys and certificates
  [/-----BEGIN ([A-Z ]+)-----[^]*?-----END \1-----/g, BLOT],
  // JSON Web Tokens: those of service accounts
  [/\beyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?/g, BLOT],
  [/\b(bearer|basic)\s+[\w.~+/=-]{8,}/gi, `$1 ${BLOT}`],
  // scheme://user:password@host
  [/(\b[a-z][a-z0-9+.-]*:\/\/[^\s/:@'"]*):[^\s/@'"]+@/gi, `$1:${BLOT}@`],
  // <secret …>, <auth …>: libvirt's ways to a password
  [/<(secret|auth)\b[^]*?(?:\/>|<\/\1>)/gi, `<$1>${BLOT}</$1>`],
  // password=…, "token": "…", passwd='…', client-key-data: …
  [new RegExp(`([\\w-]*${SECRET_NAME}[\\w-]*\\\\?["']?\\s*[=:]\\s*)(\\\\?["'])(?!\\[blotted)[^]*?\\2`, 'gi'), `$1$2${BLOT}$2`],
  [new RegExp(`([\\w-]*${SECRET_NAME}[\\w-]*=)(?!["'\\\\[])[^\\s&;,"'<>\\\\]+`, 'gi'), `$1${BLOT}`],
  [new RegExp(`^(\\s*(?:- )?[\\w-]*${SECRET_NAME}[\\w-]*:[ \\t]+)(?!["'{[|>])\\S.*$`, 'gim'), `$1${BLOT}`],
]

/** A text without passwords, tokens and keys, wherever in it they are by form or by name. */
export function blotOut(text: string): string {
  return RULES.reduce((rest, [secret, instead]) => rest.replace(secret, instead), text)
}

const SECRET_KEY = new RegExp(`^[\\w-]*${SECRET_NAME}$`, 'i')

/** The same for a value as JSON has it: whatever stands under the name of a secret, and every text in it. */
export function blotOutOf(value: unknown): unknown {
  if (typeof value === 'string') return blotOut(value)
  if (Array.isArray(value)) return value.map(blotOutOf)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [blotOut(key), SECRET_KEY.test(key) && typeof one === 'string' ? BLOT : blotOutOf(one)]))
}

/** The same for a log: JSON objects, one a line, and lines that are none. */
export function blotOutLines(text: string): string {
  return text.split('\n').map((line) => (line.startsWith('{') ? blotOutLine(line) : blotOut(line))).join('\n')
}

function blotOutLine(line: string): string {
  try {
    return JSON.stringify(blotOutOf(JSON.parse(line)))
  } catch {
    return blotOut(line)
  }
}
