import { COMMANDS, GLOBAL_FLAGS, type Command, type Flag } from '../commands.ts'

const EXITS = [
  'Exit codes:',
  '  0  done',
  '  1  refused by the daemon, or failed',
  '  2  the command line is wrong',
  '  3  there is no such VM, volume or namespace',
  '  4  --wait: not done in time; the request stands',
  '  5  the daemon cannot be reached',
]

/** The text of `hotplugctl help`. */
export function helpText(): string {
  const commands = COMMANDS.map(({ name, aliases, usage, doc }) => [`${[name, ...aliases].join('|')} ${usage}`, doc] as const)
  return [
    'hotplugctl plugs volumes into running virtual machines, takes them out again, and says why.', '',
    'Usage: hotplugctl COMMAND [ARGUMENTS] [FLAGS]', '',
    'Commands:', ...columns(commands), '',
    'Flags of every command:', ...columns(GLOBAL_FLAGS.map(flagLine)), '',
    ...EXITS, '',
    'More of one command: hotplugctl help COMMAND',
  ].join('\n')
}

/** The text of `hotplugctl help COMMAND`. */
export function commandHelp({ name, aliases, usage, doc, more = [], flags }: Command): string {
  const others = aliases.length === 0 ? [] : [`Also: ${aliases.map(alias => `hotplugctl ${alias}`).join(', ')}`, '']
  return [`Usage: hotplugctl ${[name, usage, '[FLAGS]'].filter(Boolean).join(' ')}`, '', doc, ...more, '', ...others, 'Flags:', ...columns([...flags, ...GLOBAL_FLAGS].map(flagLine)), '', ...EXITS].join('\n')
}

function flagLine({ name, short, value, doc }: Flag): readonly [string, string] {
  return [`${short === undefined ? '' : `-${short}, `}--${name}${value === undefined ? '' : `=${value}`}`, doc]
}

function columns(rows: readonly (readonly [string, string])[]): readonly string[] {
  const width = Math.max(...rows.map(([left]) => left.length))
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`)
}
