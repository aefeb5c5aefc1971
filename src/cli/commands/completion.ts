import { suggestion } from '../../config/nearest.ts'
import { completionScript } from './completion-scripts.ts'
import { usageFailure } from '../failure.ts'
import { takePositionals } from '../positionals.ts'
import { SHELLS } from './shells.ts'
import type { Session } from '../session.ts'

/** `hotplugctl completion bash|zsh|fish`. */
export async function completion(session: Session): Promise<void> {
  const [word = ''] = takePositionals(session, 'completion', ['the shell'])
  const shell = SHELLS.find(name => name === word)
  if (shell === undefined) throw usageFailure(`completion: found '${word}'${suggestion(word, SHELLS)}, allowed: ${SHELLS.join(', ')}`, 'completion')
  session.print(completionScript(shell))
}
