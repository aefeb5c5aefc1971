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
