import { parseDurationMs } from '../../config/duration.ts'
import { usageFailure } from '../failure.ts'
import { subresourcePath } from '../paths.ts'
import { takePositionals } from '../positionals.ts'
import type { Session } from '../session.ts'
import type { Submitted } from '../wait.ts'

/** What addvolume and removevolume have in common. */
export interface Change {
  readonly verb: 'addvolume' | 'removevolume'
  readonly body: object
  /** What `--wait` does after the request was accepted. */
  readonly wait: (session: Session, submitted: Submitted) => Promise<void>
}

/** Sends the request and, if asked, waits for its outcome. Throws Failure. */
export async function requestChange(session: Session, change: Change): Promise<void> {
  const { vm, volume } = namesOf(session, change.verb)
  const timeoutMs = timeoutOf(session, change.verb)
  const persist = session.has('persist') || session.has('persistent')
  const isDryRun = session.has('dry-run')
  const body = { name: volume, ...change.body, ...(isDryRun ? { dryRun: ['All'] } : {}) }
  const headers = await session.client.put(subresourcePath(session.namespace, vm, { verb: change.verb, persist }), body)
  if (isDryRun) return session.print(`Dry run: ${change.verb} of volume ${volume} for VM ${vm} would be accepted; nothing was changed`)
  const words = change.verb === 'addvolume' ? 'add' : 'remove'
  session.print(`Successfully submitted ${words} volume request to VM ${vm} for volume ${volume}`)
  if (timeoutMs === null) return
  const receivedAt = String(headers['hotplugd-received-at'] ?? '')
  await change.wait(session, { namespace: session.namespace, vm, volume, receivedAt, timeoutMs, persist })
}

export function namesOf(session: Session, verb: Change['verb']): { vm: string; volume: string } {
  const [vm = ''] = takePositionals(session, verb, ['the VM'])
  const volume = session.text('volume-name')
  if (volume === null || volume === '') throw usageFailure(`${verb} needs --volume-name=NAME`, verb)
  return { vm, volume }
}

/** Null: not to wait. */
function timeoutOf(session: Session, verb: string): number | null {
  const text = session.text('timeout')
  if (!session.has('wait')) {
    if (text !== null) throw usageFailure('--timeout has a meaning only with --wait', verb)
    return null
  }
  if (session.has('dry-run')) throw usageFailure('--wait has no meaning with --dry-run', verb)
  const timeoutMs = parseDurationMs(text ?? '30s')
  if (timeoutMs === null) throw usageFailure(`flag --timeout: found '${text}', allowed: a duration such as 500ms, 30s, 5m`, verb)
  return timeoutMs
}
