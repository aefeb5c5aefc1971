import { LineCounter, isMap, isScalar, isSeq, parseDocument, type Pair, type ParsedNode } from 'yaml'
import type { Given, Layer } from './layer.ts'
import { suggestion } from './nearest.ts'
import { OPTIONS, OPTION_NAMES } from './options.ts'

const KINDS = new Map(Object.values(OPTIONS).map(option => [option.name, option.kind]))
const WANTED = { switch: 'true, false (without quotes)', text: 'a text', list: 'a text, or a list of texts' } as const

/** Reads the YAML file's text. Problems lead to `file:line:column`. */
export function readConfigFile(file: string, text: string): Layer {
  const lines = new LineCounter()
  const at = (offset: number): string => {
    const { line, col } = lines.linePos(offset)
    return `${file}:${line}:${col}`
  }
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const broken = [...document.errors, ...document.warnings].map(error => `${at(error.pos[0])}: ${error.message}`)
  const root = document.contents
  if (broken.length > 0) return { given: new Map(), problems: broken }
  if (root === null || (isScalar(root) && root.value === null)) return { given: new Map(), problems: [] }
  if (!isMap(root)) return { given: new Map(), problems: [`${at(root.range[0])}: found ${describe(root)}, allowed: a map of options`] }
  return readPairs(root.items, at)
}

function readPairs(pairs: readonly Pair<ParsedNode, ParsedNode | null>[], at: (offset: number) => string): Layer {
  const given = new Map<string, Given>()
  const problems: string[] = []
  for (const { key, value } of pairs) {
    const name = isScalar(key) ? String(key.value) : ''
    const keyAt = at(key.range[0])
    const kind = KINDS.get(name)
    if (kind === undefined) {
      problems.push(`${keyAt}: unknown key '${name}'${suggestion(name, OPTION_NAMES)}`)
      continue
    }
    const where = `${value === null ? keyAt : at(value.range[0])}: key ${name}`
    const texts = textsOf(value, kind)
    if (texts === null) problems.push(`${where}: found ${describe(value)}, allowed: ${WANTED[kind]}`)
    else given.set(name, { where, texts })
  }
  return { given, problems }
}

/** The texts of a value, or null if it is of the wrong type. Group numbers may be written as numbers. */
function textsOf(node: ParsedNode | null, kind: 'switch' | 'text' | 'list'): readonly string[] | null {
  if (kind === 'list' && isSeq(node)) {
    const texts = node.items.map(item => textsOf(item, 'text'))
    return texts.includes(null) ? null : texts.flatMap(text => text ?? [])
  }
  if (!isScalar(node)) return null
  if (kind === 'switch') return typeof node.value === 'boolean' ? [String(node.value)] : null
  if (typeof node.value === 'number') return [node.source ?? String(node.value)]
  return typeof node.value === 'string' ? [node.value] : null
}

function describe(node: ParsedNode | null): string {
  if (isMap(node)) return 'a map'
  if (isSeq(node)) return 'a list'
  if (!isScalar(node)) return node === null ? 'nothing' : 'an alias'
  return node.value === null ? 'nothing' : `${typeof node.value} ${JSON.stringify(node.value)}`
}
