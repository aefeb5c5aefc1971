import type { VmiObject } from '../../src/http/objects/vmi-object.ts'
import { vmiObject } from '../../src/http/objects/vmi-object.ts'
import type { VolumeObject } from '../../src/http/objects/volume-object.ts'
import { vmKey } from '../../src/model/ids.ts'
import type { Condition, Stage, VolumeStatus } from '../../src/model/status.ts'
import { pendingVolume, readyVolume, runningVm } from '../http/samples.ts'

export const AT = '2020-11-22T10:00:00.000Z'
export const NOW_MS = Date.parse(AT) + 3_600_000

/** A VM as the API shows it. */
export function vmi(name: string, ...volumes: readonly VolumeStatus[]): VmiObject {
  return vmiObject(runningVm(vmKey({ namespace: 'default', name }), ...volumes))
}

/** One volume as the API shows it. */
export function shown(volume: VolumeStatus): VolumeObject {
  const [object] = vmi('vm1', volume).status.volumeStatus.filter(({ name }) => name === volume.name)
  if (object === undefined) throw new Error(`no ${volume.name}`)
  return object
}

export function stuckVolume(name: string, at = AT): VolumeStatus {
  return pendingVolume(name, 'SourceMissing', at)
}

/** On its way in or out, with these stages passed. */
export function movingVolume(name: string, phase: 'Pending' | 'Detaching', stages: readonly Stage[], conditions: readonly Condition[] = []): VolumeStatus {
  const reason = phase === 'Pending' ? 'Plugging' : 'Detaching'
  const ready: Condition = { type: 'Ready', status: 'False', reason, message: '', lastTransitionTime: AT }
  return { ...readyVolume(name, AT), phase, reason, message: `Volume ${name} moves`, target: '', stages, conditions: [...conditions, ready] }
}

export function stage(name: Stage['name'], durationMs = 1): Stage {
  return { name, startedAt: AT, durationMs }
}

export function condition(type: Condition['type'], status: Condition['status']): Condition {
  return { type, status, reason: 'x', message: '', lastTransitionTime: AT }
}
