import { commandNamed, COMMANDS, GLOBAL_FLAGS, type Command, type Completes, type Flag } from './commands.ts'

/** A word that may stand at the cursor, with what it means. */
export interface Offer {
  readonly word: string
  readonly doc: string
}

/** Which VM is meant by the line so far. */
export interface Meant {
  readonly namespace: string
  readonly vm: string | null
  /** Of `--socket`; null: not given. */
  readonly socket: string | null
}

/** What may stand at the cursor: known words, or names that the daemon or the file system has. `prefix` is the `--flag=` before it. */
export interface Wanted {
  readonly prefix: string
  readonly offers: readonly Offer[]
  readonly names: Completes | null
  readonly meant: Meant
}

/** What is wanted at the end of a command line; `words` begins behind the program's name, and its last word is the one at the cursor. Pure. */
export function wantedWord(words: readonly string[]): Wanted {
  const current = words.at(-1) ?? ''
  const line = readLine(words.slice(0, -1))
  const meant = meantBy(line)
  const inline = /^(--[\w-]+=)/.exec(current)?.[1]
  const flag = inline === undefined ? line.open : flagNamed(line.command, inline.slice(0, -1))
  if (flag !== null) return { prefix: inline ?? '', meant, ...valueOf(flag) }
  if (line.isOver) return { prefix: '', meant, offers: [], names: null }
  if (current.startsWith('-')) return { prefix: '', meant, offers: flagOffers(line), names: null }
  return { prefix: '', meant, ...argumentOf(line) }
}

interface Line {
  readonly command: Command | null
  /** Words that are no flags, the command first. */
  readonly words: readonly string[]
  readonly flags: ReadonlyMap<string, string>
  /** The flag that waits for its value. */
  readonly open: Flag | null
  /** `--` was said: what follows is not for us. */
  readonly isOver: boolean
}

function readLine(all: readonly string[]): Line {
  const words: string[] = []
  const flags = new Map<string, string>()
  let open: Flag | null = null
  for (const word of all) {
    const command = commandNamed(words[0] ?? '') ?? null
    if (word === '--') return { command, words, flags, open: null, isOver: true }
    if (open !== null) [, open] = [flags.set(open.name, word), null]
    else if (word.startsWith('-')) open = takeFlag(command, word, flags)
    else words.push(word)
  }
  return { command: commandNamed(words[0] ?? '') ?? null, words, flags, open, isOver: false }
}

/** The flag itself if its value is still to come. */
function takeFlag(command: Command | null, word: string, flags: Map<string, string>): Flag | null {
  const mark = word.indexOf('=')
  const flag = flagNamed(command, mark < 0 ? word : word.slice(0, mark))
  if (flag === null) return null
  flags.set(flag.name, mark < 0 ? '' : word.slice(mark + 1))
  return flag.value !== undefined && mark < 0 ? flag : null
}

function flagsOf(command: Command | null): readonly Flag[] {
  return [...(command?.flags ?? []), ...GLOBAL_FLAGS]
}

function flagNamed(command: Command | null, word: string): Flag | null {
  return flagsOf(command).find(({ name, short }) => word === `--${name}` || (short !== undefined && word === `-${short}`)) ?? null
}

function meantBy({ command, words, flags }: Line): Meant {
  const index = command?.arguments?.findIndex(({ names }) => names === 'vm') ?? -1
  return { namespace: flags.get('namespace') || 'default', socket: flags.get('socket') || null, vm: index < 0 ? null : (words[index + 1] ?? null) }
}

type Choice = Pick<Wanted, 'offers' | 'names'>

function valueOf({ words = [], names }: Flag): Choice {
  return { offers: words.map(word => ({ word, doc: '' })), names: names ?? null }
}

function flagOffers({ command, flags }: Line): readonly Offer[] {
  return flagsOf(command).filter(({ name }) => !flags.has(name)).map(({ name, doc }) => ({ word: `--${name}`, doc }))
}

function argumentOf({ command, words }: Line): Choice {
  const isHelp = words[0] === 'help'
  if (words.length === 0 || (isHelp && words.length === 1)) return { offers: commandOffers(!isHelp), names: null }
  const argument = command?.arguments?.[words.length - 1]
  return { offers: (argument?.words ?? []).map(word => ({ word, doc: '' })), names: argument?.names ?? null }
}

function commandOffers(withHelp: boolean): readonly Offer[] {
  return [...COMMANDS.map(({ name, doc }) => ({ word: name, doc })), ...(withHelp ? [{ word: 'help', doc: 'Help, or help of one command.' }] : [])]
}
