import type { Parsed } from './parsed.ts'

/** A URI may hold `=` itself (`?socket=/x`), so a namespace is only what stands before the scheme. */
const NAMESPACE = /^([a-z0-9](?:[-a-z0-9]*[a-z0-9])?)=(?=[a-z])/

/** Only a libvirt of this host: the sources of volumes are looked up here, not where a remote QEMU runs. */
const LOCAL_URI = /^qemu(?:\+unix)?:\/\/\/(?:system|session|embed)(?:\?[^\s#]+)?$/

const ALLOWED = '[NAMESPACE=]URI with a URI of this host, such as qemu:///system or qemu+unix:///session?socket=/PATH'

/** Reads `[NAMESPACE=]URI …` into a map; a URI without a namespace is namespace `default`. */
export function parseLibvirtUris(texts: readonly string[]): Parsed<ReadonlyMap<string, string>> {
  const uris = new Map<string, string>()
  for (const text of texts) {
    const namespace = NAMESPACE.exec(text)?.[1] ?? 'default'
    const uri = text.replace(NAMESPACE, '')
    const trouble = troubleWith(namespace, uri, uris)
    if (trouble !== null) return { found: text, allowed: trouble }
    uris.set(namespace, uri)
  }
  return uris.size === 0 ? { found: '', allowed: ALLOWED } : { value: uris }
}

function troubleWith(namespace: string, uri: string, known: ReadonlyMap<string, string>): string | null {
  if (namespace.length > 63) return 'a namespace of at most 63 letters'
  if (!LOCAL_URI.test(uri)) return ALLOWED
  if (known.has(namespace)) return `each namespace once: ${namespace} is ${known.get(namespace)} already`
  const twin = [...known].find(([, other]) => other === uri)
  return twin === undefined ? null : `each URI once: namespace ${twin[0]} has it already`
}
