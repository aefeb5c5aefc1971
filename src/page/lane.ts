import type { VolumeObject } from '../http/objects/volume-object.ts'
import { PLUG_STAGES, UNPLUG_STAGES, type ConditionType, type Stage, type StageName } from '../model/status.ts'
import type { Standing } from './volume-words.ts'

/** One stage of a volume's way: passed, under way, where it is held up, or still to come. */
export interface Step {
  readonly name: StageName
  readonly state: 'passed' | 'underWay' | 'held' | 'ahead'
  /** Null: not passed, or not before hotplugd's eyes. */
  readonly durationMs: number | null
  readonly startedAt: string | null
}

/** A volume's way through the stages. */
export interface Lane {
  readonly direction: 'in' | 'out'
  readonly steps: readonly Step[]
}

/** Which stage a condition that holds proves. */
const PROOFS: readonly (readonly [ConditionType, StageName])[] = [['SourceReady', 'discovered'], ['Exposed', 'exposed'], ['Attached', 'attached']]

/** The way that a volume is on. Only a claim has pods, and so a stage `podReady`. */
export function laneOf(volume: VolumeObject, standing: Standing, isClaim: boolean): Lane {
  const direction = volume.phase === 'Detaching' ? 'out' : 'in'
  const names: readonly StageName[] = direction === 'out' ? UNPLUG_STAGES : PLUG_STAGES.filter(name => isClaim || name !== 'podReady')
  const stages = stagesOf(volume, direction)
  const level = volume.phase === 'Ready' ? names.length : Math.max(levelByStages(names, stages), direction === 'in' ? levelIn(names, volume) : levelOut(volume))
  return { direction, steps: names.map((name, index) => step(name, stages.find(stage => stage.name === name), stateOf(index - level, standing))) }
}

function step(name: StageName, stage: Stage | undefined, state: Step['state']): Step {
  const isPassed = stage !== undefined && state === 'passed'
  return { name, state, durationMs: isPassed ? stage.durationMs : null, startedAt: isPassed ? stage.startedAt : null }
}

function stateOf(distance: number, standing: Standing): Step['state'] {
  if (distance < 0) return 'passed'
  if (distance > 0) return 'ahead'
  return standing === 'stuck' || standing === 'waiting' ? 'held' : 'underWay'
}

/** The stages of this way: those of the way in stay until the way out has begun. */
function stagesOf({ stages = [] }: VolumeObject, direction: Lane['direction']): readonly Stage[] {
  const isOut = stages[0]?.name === 'detached' || stages[0]?.name === 'released'
  return isOut === (direction === 'out') ? stages : []
}

function levelByStages(names: readonly StageName[], stages: readonly Stage[]): number {
  const last = stages.at(-1)
  return last === undefined ? 0 : names.indexOf(last.name) + 1
}

function levelIn(names: readonly StageName[], volume: VolumeObject): number {
  const proven = PROOFS.filter(([type]) => statusOf(volume, type) === 'True').map(([, name]) => names.indexOf(name) + 1)
  return Math.max(0, ...proven)
}

function levelOut(volume: VolumeObject): number {
  return statusOf(volume, 'Attached') === 'False' ? 1 : 0
}

function statusOf({ conditions = [] }: VolumeObject, type: ConditionType): string {
  return conditions.find(condition => condition.type === type)?.status ?? 'Unknown'
}
