import { readArguments, requireCommand, type Arguments } from './arguments.ts'
import { createClient } from './client.ts'
import { EXIT, Failure, usageFailure, type ExitCode } from './failure.ts'
import { commandHelp, helpText } from './commands/help.ts'
import type { Session } from './session.ts'
import { printable } from './table.ts'

export interface Terminal {
  readonly print: (line: string) => void
  readonly warn: (line: string) => void
}

const ASK = '__complete'
const DEFAULT_SOCKET = '/run/hotplugd/hotplugd.sock'

/** Runs one command line to its end; errors are on the terminal when it resolves. */
export async function run(argv: readonly string[], env: Readonly<Record<string, string | undefined>>, terminal: Terminal): Promise<ExitCode> {
  try {
    if (argv[0] === ASK) return await offer(argv.slice(1), env, terminal)
    await perform(readArguments(argv), env, terminal)
    return EXIT.ok
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    terminal.warn(`error: ${lines(error.message)}\n  remedy: ${lines(error.remedy)}`)
    return error.exit
  }
}

/** Asked by the scripts of `completion`, and by nobody else: `__complete -- WORD…`. */
async function offer(words: readonly string[], env: Readonly<Record<string, string | undefined>>, terminal: Terminal): Promise<ExitCode> {
  const { complete } = await import('./commands/complete.ts')
  const offers = await complete(words[0] === '--' ? words.slice(1) : words, env['HOTPLUGD_SOCKET'] || DEFAULT_SOCKET)
  offers.forEach(terminal.print)
  return EXIT.ok
}

/** Keeps line breaks, and nothing else that could steer the terminal. */
function lines(text: string): string {
  return text.split('\n').map(printable).join('\n    ')
}

async function perform({ command, positionals, flags }: Arguments, env: Readonly<Record<string, string | undefined>>, terminal: Terminal): Promise<void> {
  if (command === null || flags.has('help')) return answerWithoutCommand({ command, positionals, flags }, terminal)
  if (flags.has('version')) return printVersion(terminal)
  const text = (flag: string): string | null => {
    const value = flags.get(flag)
    return typeof value === 'string' ? value : null
  }
  const client = createClient(text('socket') ?? (env['HOTPLUGD_SOCKET'] || DEFAULT_SOCKET))
  const session: Session = { positionals, client, text, has: flag => flags.has(flag), namespace: text('namespace') ?? 'default', env, ...terminal }
  const act = await command.load()
  await act(session)
}

async function printVersion(terminal: Terminal): Promise<void> {
  const { OWN_VERSION } = await import('./commands/version.ts')
  terminal.print(OWN_VERSION)
}

async function answerWithoutCommand({ command, positionals, flags }: Arguments, terminal: Terminal): Promise<void> {
  const [help, topic] = positionals
  if (command !== null) return terminal.print(commandHelp(command))
  if (help === 'help' && topic !== undefined) return terminal.print(commandHelp(requireCommand(topic)))
  if (help === 'help' || flags.has('help')) return terminal.print(helpText())
  if (flags.has('version')) return printVersion(terminal)
  throw usageFailure('no command was given')
}
