import type { Verb } from '../core/volume/decide.ts'
import type { DesiredProblem } from '../model/desired.ts'
import type { HotplugError } from '../errors.ts'
import type { Stage } from '../model/status.ts'
import type { Phase } from '../model/status.ts'
import type { Volume } from './volume.ts'

/** How an act ended, for logs, metrics and history. */
export interface ActEnd {
  readonly verb: Verb
  readonly opId: number
  readonly durationMs: number
  /** 1 unless the same act had failed before. */
  readonly attempt: number
  readonly error: HotplugError | null
}

/** As much of a volume as is told of it; one that is only watched has no more. */
export type ToldVolume = Pick<Volume, 'key' | 'id' | 'status'>

/** Whoever wants to tell people what the engine does. Never influences it. */
export interface AgentObserver {
  phaseChanged(volume: ToldVolume, from: Phase | null): void
  stagePassed(volume: ToldVolume, stage: Stage): void
  actEnded(volume: ToldVolume, end: ActEnd): void
  /** Something in a source of desired state cannot be used; told once, until it is gone. */
  problem(problem: DesiredProblem): void
  note(event: string, fields: Readonly<Record<string, unknown>>): void
  /** Something besides the acts failed; told each time. `fields` are the same when the same fails again. */
  failed(event: string, fields: Readonly<Record<string, unknown>>, error: HotplugError): void
}
