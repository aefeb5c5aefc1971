/** Exit codes that a script can rely on. */
export const EXIT = {
  ok: 0,
  /** The daemon refused, or something failed. */
  refused: 1,
  /** The command line is wrong. */
  usage: 2,
  /** There is no such VM, volume or namespace. */
  notFound: 3,
  /** `--wait` ended before it was so. */
  timeout: 4,
  /** The daemon cannot be reached. */
  unreachable: 5,
} as const

export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

/** Why a command ends without success: the cause, what a person can do, and the exit code. */
export class Failure extends Error {
  readonly exit: ExitCode
  readonly remedy: string

  constructor(exit: ExitCode, message: string, remedy: string) {
    super(message)
    this.exit = exit
    this.remedy = remedy
  }
}

export function usageFailure(message: string, command?: string): Failure {
  return new Failure(EXIT.usage, message, `Read: hotplugctl help${command === undefined ? '' : ` ${command}`}`)
}
