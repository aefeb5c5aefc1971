import { parseArgs } from 'node:util'
import type { Given, Layer } from './layer.ts'
import { suggestion } from './nearest.ts'
import { OPTIONS, OPTION_NAMES } from './options.ts'

/** What the command line asks for instead of, or beside, running. */
export type Invocation = 'run' | 'help' | 'version' | 'validate-config'

const ASKS = ['help', 'version', 'validate-config'] as const
const KINDS = new Map(Object.values(OPTIONS).map(option => [option.name, option.kind]))
const FLAGS = [...OPTION_NAMES, 'config', ...ASKS]

interface FlagToken {
  readonly kind: string
  readonly name?: string
  readonly rawName?: string
  readonly value?: string | undefined
  readonly inlineValue?: boolean | undefined
}

function tokensOf(argv: readonly string[]): readonly FlagToken[] {
  const takesText = (flag: string): boolean => flag === 'config' || KINDS.get(flag) === 'text' || KINDS.get(flag) === 'list'
  const options = Object.fromEntries(FLAGS.map(flag => [flag, { type: takesText(flag) ? 'string' : 'boolean' } as const]))
  const help = { type: 'boolean', short: 'h' } as const
  return parseArgs({ args: [...argv], options: { ...options, help }, strict: false, tokens: true, allowNegative: true }).tokens
}

/** What the command line asks for. `--help` wins over `--version`, that over `--validate-config`. */
export function invocationOf(argv: readonly string[]): Invocation {
  const names = new Set(tokensOf(argv).filter(token => token.kind === 'option').map(token => token.name))
  return ASKS.find(ask => names.has(ask)) ?? 'run'
}

/** Reads the command line. The given `config` is the path of the file. */
export function readFlags(argv: readonly string[]): Layer {
  const given = new Map<string, Given>()
  const problems: string[] = []
  for (const token of tokensOf(argv)) {
    if (token.kind === 'option-terminator') continue
    const problem = token.kind === 'option' ? takeFlag(token, given) : `unexpected argument '${token.value}'`
    if (problem !== null) problems.push(problem)
  }
  return { given, problems }
}

function takeFlag(token: FlagToken, given: Map<string, Given>): string | null {
  const { name = '', rawName = '' } = token
  const where = `flag ${rawName}`
  if (!FLAGS.includes(name)) return `unknown ${where}${suggestion(name, FLAGS, '--')}`
  const text = KINDS.get(name) === 'switch' ? switchText(token) : token.value
  if (!KINDS.has(name) && name !== 'config') return text === undefined ? null : `${where} takes no value, found '${text}'`
  if (text === undefined || (text.startsWith('--') && token.inlineValue === false)) return `${where} needs a value`
  const before = KINDS.get(name) === 'list' ? given.get(name)?.texts : undefined
  given.set(name, { where, texts: [...(before ?? []), text] })
  return null
}

/** `--hotplug` is true, `--no-hotplug` false, `--hotplug=TEXT` what it says. */
function switchText(token: FlagToken): string {
  return token.value ?? (token.rawName?.startsWith('--no-') === true ? 'false' : 'true')
}
