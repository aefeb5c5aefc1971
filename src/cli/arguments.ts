import { parseArgs } from 'node:util'
import { suggestion } from '../config/nearest.ts'
import { COMMANDS, commandNamed, GLOBAL_FLAGS, type Command, type Flag } from './commands.ts'
import { usageFailure, type Failure } from './failure.ts'

/** A command line that was understood. `command` is null where none was named. */
export interface Arguments {
  readonly command: Command | null
  /** What stands behind the command. */
  readonly positionals: readonly string[]
  /** Flags by name; `true` for those without a value. */
  readonly flags: ReadonlyMap<string, string | true>
}

const EVERY_FLAG = new Map([...COMMANDS.flatMap(command => command.flags), ...GLOBAL_FLAGS].map(flag => [flag.name, flag]))

/** Reads the command line. Throws Failure `usage`. */
export function readArguments(argv: readonly string[]): Arguments {
  const options = Object.fromEntries([...EVERY_FLAG.values()].map(flag => [flag.name, optionOf(flag)]))
  const { tokens, positionals } = parseArgs({ args: [...argv], options, strict: false, tokens: true })
  const [word, ...rest] = positionals
  const command = word === undefined || word === 'help' ? null : requireCommand(word)
  const flags = new Map<string, string | true>()
  for (const token of tokens) {
    if (token.kind === 'option') flags.set(token.name, valueOf(token, command))
  }
  return { command, positionals: word === 'help' ? positionals : rest, flags }
}

function optionOf(flag: Flag): { type: 'string' | 'boolean'; short?: string } {
  return { type: flag.value === undefined ? 'boolean' : 'string', ...(flag.short === undefined ? {} : { short: flag.short }) }
}

export function requireCommand(word: string): Command {
  const known = COMMANDS.flatMap(command => [command.name, ...command.aliases])
  const command = commandNamed(word)
  if (command === undefined) throw usageFailure(`unknown command '${word}'${suggestion(word, [...known, 'help'])}`)
  return command
}

interface FlagToken {
  readonly name: string
  readonly rawName: string
  readonly value?: string | undefined
  readonly inlineValue?: boolean | undefined
}

function valueOf({ name, rawName, value: given, inlineValue }: FlagToken, command: Command | null): string | true {
  // `-o=json`, as kubectl takes it.
  const value = rawName.length === 2 && inlineValue === true ? given?.replace(/^=/, '') : given
  const known = [...(command?.flags ?? []), ...GLOBAL_FLAGS]
  const flag = known.find(candidate => candidate.name === name)
  if (flag === undefined) throw unknownFlag(name, rawName, { known, command })
  const fail = (what: string): Failure => usageFailure(`flag ${rawName} ${what}`, command?.name)
  if (flag.value === undefined) {
    if (value !== undefined) throw fail(`takes no value, found '${value}'`)
    return true
  }
  if (value === undefined || (inlineValue === false && value.startsWith('--'))) throw fail(`needs a value: ${flag.value}`)
  if (flag.words?.includes(value) === false) throw fail(`found '${value}'${suggestion(value, flag.words)}, allowed: ${flag.words.join(', ')}`)
  return value
}

function unknownFlag(name: string, rawName: string, where: { known: readonly Flag[]; command: Command | null }): Failure {
  const owner = EVERY_FLAG.has(name) && where.command !== null ? ` of ${where.command.name}` : ''
  return usageFailure(`unknown flag ${rawName}${owner}${suggestion(name, where.known.map(flag => flag.name), '--')}`, where.command?.name)
}
