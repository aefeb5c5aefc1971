import type { VolumeObject } from '../http/objects/volume-object.ts'
import { causeOf } from './cause.ts'
import type { WatchEvent } from './client.ts'
import type { Session } from './session.ts'
import { printable } from './table.ts'

/** Shows what passes while a command waits. */
export interface Progress {
  /** The last that was seen of the volume. */
  readonly last: VolumeObject | null
  show(event: WatchEvent<VolumeObject>): void
}

/** Prints each stage once, however often it is tried, and each new trouble once, beside the results. */
export function createProgress(session: Session, receivedAt: string): Progress {
  const shown = new Set<string>()
  const once = (line: string): void => {
    if (!shown.has(line)) session.warn(line)
    shown.add(line)
  }
  let last: VolumeObject | null = null
  return {
    get last() {
      return last
    },
    show({ type, object }) {
      if (type === 'BOOKMARK' || type === 'DELETED') return
      last = object
      const stages = (object.stages ?? []).filter(stage => stage.startedAt >= receivedAt)
      for (const { name, durationMs } of stages) showStage(session, shown, { key: name, line: `  ${name.padEnd(10)}  ${durationMs.toFixed(1)} ms` })
      if (object.remedy !== undefined && !object.remedy.startsWith('Nothing to do')) once(troubleOf(object))
    },
  }
}

function showStage(session: Session, shown: Set<string>, stage: { readonly key: string; readonly line: string }): void {
  if (!shown.has(stage.key)) session.print(stage.line)
  shown.add(stage.key)
}

function troubleOf(volume: VolumeObject): string {
  const { message = '', reason = '', remedy = '' } = volume
  return `waiting: ${printable(causeOf(message, volume))} (${printable(reason)})\n  remedy: ${printable(remedy)}`
}
