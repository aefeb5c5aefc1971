import { at, isRecord, type JsonObject, listAt, textAt } from './json-object.ts'

/** `unknown`: it depends on labels of the node that cannot be read. */
export type Selection = 'yes' | 'no' | 'unknown'

/** What is certain of a node without reading its object. */
export interface KnownNode {
  readonly name: string
  /** Labels that every kubelet gives its own node, by what the agent itself runs on. */
  readonly labels: Readonly<Record<string, string>>
}

/** The node's facts as they follow from its name and the processor that the agent runs on (Node's name of it). */
export function knownNode(name: string, processor: string): KnownNode {
  const arch = { x64: 'amd64', ia32: '386' }[processor] ?? processor
  return { name, labels: { 'kubernetes.io/os': 'linux', 'beta.kubernetes.io/os': 'linux', 'kubernetes.io/arch': arch, 'beta.kubernetes.io/arch': arch } }
}

/**
 * Whether pods of this spec may run on the node, by `nodeSelector` and the required node affinity. Taints are not judged:
 * whether they are tolerated changes nothing about which pods may be there already. Three-valued: a label that is not
 * known makes the answer unknown, unless something else decides it.
 */
export function selectsNode(podSpec: unknown, node: KnownNode): Selection {
  const pinned = textAt(podSpec, 'nodeName')
  if (pinned !== null && pinned !== '') return pinned === node.name ? 'yes' : 'no'
  return all([bySelector(at(podSpec, 'nodeSelector'), node), byAffinity(podSpec, node)])
}

function bySelector(selector: unknown, { labels }: KnownNode): Selection {
  if (selector === undefined || selector === null) return 'yes'
  if (!isRecord(selector)) return 'unknown'
  return all(Object.entries(selector).map(([key, value]) => isOneOf(labels[key], [value])))
}

function byAffinity(podSpec: unknown, node: KnownNode): Selection {
  const required = at(podSpec, 'affinity', 'nodeAffinity', 'requiredDuringSchedulingIgnoredDuringExecution')
  if (required === undefined || required === null) return 'yes'
  return any(listAt(required, 'nodeSelectorTerms').map((term) => byTerm(term, node)))
}

/** An empty term selects nothing. */
function byTerm(term: unknown, { name, labels }: KnownNode): Selection {
  const expressions = listAt(term, 'matchExpressions').map((expression) => byExpression(expression, labels))
  const fields = listAt(term, 'matchFields').map((field) => byExpression(field, { 'metadata.name': name }))
  return expressions.length + fields.length === 0 ? 'no' : all([...expressions, ...fields])
}

function byExpression(expression: unknown, facts: Readonly<Record<string, string>>): Selection {
  const value = facts[textAt(expression, 'key') ?? '']
  if (!isRecord(expression) || value === undefined) return 'unknown'
  return compared(expression, value)
}

function compared(expression: JsonObject, value: string): Selection {
  switch (expression['operator']) {
    case 'In':
      return isOneOf(value, listAt(expression, 'values'))
    case 'NotIn':
      return not(isOneOf(value, listAt(expression, 'values')))
    case 'Exists':
      return 'yes'
    case 'DoesNotExist':
      return 'no'
    default:
      return 'unknown'
  }
}

function isOneOf(value: string | undefined, wanted: readonly unknown[]): Selection {
  if (value === undefined) return 'unknown'
  return wanted.includes(value) ? 'yes' : 'no'
}

function not(selection: Selection): Selection {
  if (selection === 'unknown') return 'unknown'
  return selection === 'yes' ? 'no' : 'yes'
}

function all(parts: readonly Selection[]): Selection {
  if (parts.includes('no')) return 'no'
  return parts.includes('unknown') ? 'unknown' : 'yes'
}

function any(parts: readonly Selection[]): Selection {
  if (parts.includes('yes')) return 'yes'
  return parts.includes('unknown') ? 'unknown' : 'no'
}
