import { Composer, isAlias, isMap, isScalar, isSeq, LineCounter, Parser, visit, type CST, type Document, type YAMLMap } from 'yaml'
import type { Fault, Path } from '../../core/manifest/manifest-shape.ts'

const MOST_ALIASES = 100
const DEEPEST = 32

/** Something wrong in a YAML text, with its place for people. */
export interface PlacedFault {
  /** `LINE:COLUMN`, both from 1. */
  readonly where: string
  readonly message: string
}

/** One document of a YAML text. */
export interface YamlDocument {
  /** As plain values; null if it cannot be told. With faults it is only a guess at what was meant. */
  readonly value: unknown
  /** What is wrong with the YAML itself: syntax, keys there twice, too many aliases, unknown tags. */
  readonly faults: readonly PlacedFault[]
  /** `LINE:COLUMN` of a fault that was found in `value`. */
  locate(fault: Fault): string
}

/** Parses a text of YAML 1.2 into its documents; empty ones are left out. Throws RangeError on nesting beyond reason. */
export function parseYaml(text: string): readonly YamlDocument[] {
  const lines = new LineCounter()
  const tokens = [...new Parser(lines.addNewLine).parse(text)]
  // the composer calls itself for each level, catches the stack's overflow and goes on: 4,000 `{` cost it minutes
  if (tokens.some(isTooDeep)) throw new RangeError(`more than ${DEEPEST} levels`)
  // keys there twice are looked for below: the composer compares each key with all others, which is slow with many
  const composer = new Composer({ lineCounter: lines, prettyErrors: false, uniqueKeys: false, stringKeys: true, logLevel: 'silent' })
  const documents = [...composer.compose(tokens, true, text.length)].filter((one) => !isEmpty(one))
  return documents.map((one) => open(one, lines))
}

function isTooDeep(root: CST.Token): boolean {
  let level: readonly CST.Token[] = [root]
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > DEEPEST) return true
    level = level.flatMap(childrenOf)
  }
  return false
}

function childrenOf(token: CST.Token): readonly CST.Token[] {
  if (token.type === 'document') return token.value ? [token.value] : []
  if (!('items' in token)) return []
  return token.items.flatMap(({ key, value }) => [key, value]).filter((one) => one != null)
}

/** Nothing between two `---`: as good as not there. */
function isEmpty({ contents, errors }: Document.Parsed): boolean {
  return errors.length === 0 && (contents === null || (isScalar(contents) && contents.value === null && contents.source === ''))
}

function open(document: Document.Parsed, lines: LineCounter): YamlDocument {
  const faults = [...syntaxFaults(document), ...structureFaults(document)]
  const placed = faults.map(({ offset, message }) => ({ where: position(lines, offset), message }))
  return { value: aliasCount(document) > MOST_ALIASES ? null : plain(document), faults: placed, locate: (fault) => position(lines, offsetOf(document, fault)) }
}

interface OffsetFault {
  readonly offset: number
  readonly message: string
}

function syntaxFaults(document: Document.Parsed): readonly OffsetFault[] {
  return [...document.errors, ...document.warnings].map(({ pos, message }) => ({ offset: pos[0], message }))
}

function structureFaults(document: Document.Parsed): readonly OffsetFault[] {
  const found: OffsetFault[] = []
  visit(document, { Map: (_key, map) => void found.push(...repeatedKeys(map)) })
  if (aliasCount(document) > MOST_ALIASES) found.push({ offset: 0, message: `found ${aliasCount(document)} aliases, allowed: ${MOST_ALIASES}` })
  return found
}

function aliasCount(document: Document.Parsed): number {
  let count = 0
  visit(document, { Alias: () => void (count += 1) })
  return count
}

function repeatedKeys(map: YAMLMap): readonly OffsetFault[] {
  const found: OffsetFault[] = []
  const seen = new Set<unknown>()
  for (const { key } of map.items) {
    if (!isScalar(key)) continue
    if (seen.has(key.value)) found.push({ offset: key.range?.[0] ?? 0, message: `the key ${JSON.stringify(key.value)} is there twice` })
    seen.add(key.value)
  }
  return found
}

function plain(document: Document.Parsed): unknown {
  try {
    return document.toJS({ maxAliasCount: MOST_ALIASES })
  } catch {
    return null // aliases that lead nowhere, to themselves or to too much; null is refused as not being a mapping
  }
}

function position(lines: LineCounter, offset: number): string {
  const { line, col } = lines.linePos(offset)
  return `${Math.max(line, 1)}:${Math.max(col, 1)}`
}

/** Where the last part of the fault's path that exists stands in the text. */
function offsetOf(document: Document.Parsed, fault: Fault): number {
  let node: unknown = document.contents
  let offset = startOf(node) ?? 0
  for (const [index, key] of fault.path.entries()) {
    const next = step(document, node, key)
    const atKey = fault.at === 'key' && index === fault.path.length - 1
    offset = (atKey ? undefined : startOf(next.value)) ?? startOf(next.key) ?? offset
    node = next.value
  }
  return offset
}

function step(document: Document.Parsed, node: unknown, key: Path[number]): { readonly key: unknown; readonly value: unknown } {
  const target = isAlias(node) ? node.resolve(document) : node
  if (isSeq(target)) return { key: null, value: target.items[Number(key)] }
  const pair = isMap(target) ? target.items.find((one) => isScalar(one.key) && String(one.key.value) === key) : undefined
  return { key: pair?.key, value: pair?.value }
}

function startOf(node: unknown): number | undefined {
  if (typeof node !== 'object' || node === null) return undefined
  const { range } = node as { readonly range?: readonly number[] | null }
  return range?.[0]
}
