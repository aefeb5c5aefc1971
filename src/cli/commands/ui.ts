import type { ProcessFacts } from '../../http/diagnostics.ts'
import { usageFailure } from '../failure.ts'
import { refuseMore } from '../positionals.ts'
import type { Session } from '../session.ts'
import { openLoopback } from '../ui/loopback.ts'

/** `hotplugctl ui`: the page, until somebody ends it. */
export async function ui(session: Session): Promise<void> {
  refuseMore(session, 'ui', 0)
  const port = portOf(session)
  // Whether hotplugd is there, and lets this user read, is said here rather than in a browser.
  const { nodeName } = await session.client.get<ProcessFacts>('/debug/process')
  const stop = stopSignal()
  const log = { debug: nothing, info: nothing, warn: nothing, error: (...told: readonly unknown[]) => session.warn(`hotplugctl ui: ${told.map(String).join(' ')}`) }
  const loopback = await openLoopback({ socketPath: session.client.socketPath, port, log })
  session.print(loopback.address)
  session.warn(`Open it in a browser; it works once. From another machine, first: ssh -L ${loopback.port}:127.0.0.1:${loopback.port} ${nodeName}`)
  session.warn('The page only reads. Ctrl-C ends it; so does an hour in which nobody looks.')
  await Promise.race([stop, loopback.forgotten])
  await loopback.close()
}

function portOf(session: Session): number {
  const text = session.text('port') ?? '0'
  const port = Number(text)
  if (/^\d{1,5}$/.test(text) && port < 65_536) return port
  throw usageFailure(`flag --port: found '${text}', allowed: a port, or 0 for one that is free`, 'ui')
}

function stopSignal(): Promise<void> {
  return new Promise(resolve => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve())
  })
}

function nothing(): void {}
