import { LOG_LEVELS } from '../../config/config.ts'
import { suggestion } from '../../config/nearest.ts'
import { usageFailure } from '../failure.ts'
import { refuseMore } from '../positionals.ts'
import type { Session } from '../session.ts'

const PATH = '/debug/log-level'

/** `hotplugctl log-level [LEVEL]`. */
export async function logLevel(session: Session): Promise<void> {
  const [level] = session.positionals
  refuseMore(session, 'log-level', 1)
  if (level !== undefined) await choose(session, level)
  session.print((await session.client.get<{ level: string }>(PATH)).level)
}

async function choose(session: Session, level: string): Promise<void> {
  if (!LOG_LEVELS.some(word => word === level)) throw usageFailure(`log-level: found '${level}'${suggestion(level, LOG_LEVELS)}, allowed: ${LOG_LEVELS.join(', ')}`, 'log-level')
  await session.client.put(PATH, { level })
}
