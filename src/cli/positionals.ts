import { usageFailure } from './failure.ts'
import type { Session } from './session.ts'

/** The positional arguments as a command wants them: `needed` names them all. Throws Failure `usage`. */
export function takePositionals(session: Session, command: string, needed: readonly string[]): readonly string[] {
  const missing = needed.slice(session.positionals.length)
  if (missing.length > 0) throw usageFailure(`${command} needs ${missing.join(' and ')}`, command)
  refuseMore(session, command, needed.length)
  const empty = needed.find((_, index) => session.positionals[index] === '')
  if (empty !== undefined) throw usageFailure(`${empty} is empty`, command)
  return session.positionals
}

export function refuseMore(session: Session, command: string, most: number): void {
  const extra = session.positionals[most]
  if (extra !== undefined) throw usageFailure(`unexpected argument '${extra}'`, command)
}
