import { HotplugError } from '../errors.ts'
import { type ResolvedSource, sourceName, type SourceSpec } from '../model/source.ts'
import type { Clock } from '../ports/clock.ts'
import type { Ports } from './ports.ts'

/** Looking takes milliseconds; more than this only where a device or server does not answer, which may never end. */
const PATIENCE_MS = 10_000

/** What comes of looking at `path`; throws HotplugError `SourceUnreadable` if nothing does. The look itself goes on. */
export function inTime<T>(clock: Clock, path: string, look: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const late = new HotplugError('SourceUnreadable', `${path} was not looked at within ${PATIENCE_MS} ms: its device or server does not answer`, { detail: { path } })
    const cancel = clock.after(PATIENCE_MS, () => reject(late))
    look.then(resolve, reject).finally(cancel)
  })
}

/** The source as it is now; an act must not wait for a dead server for ever, nor keep its place among the acts. */
export function lookUp({ clock, sources }: Pick<Ports, 'clock' | 'sources'>, source: SourceSpec): Promise<ResolvedSource> {
  return inTime(clock, sourceName(source), sources.resolve(source))
}
