import { vmKey, type VmKey } from '../../src/model/ids.ts'
import type { VmStatus, VolumeStatus } from '../../src/model/status.ts'

export const VM1: VmKey = vmKey({ namespace: 'default', name: 'vm1' })
const AT = '2020-11-22T10:00:00.000Z'

/** An ordinary disk of the VM. */
export const ROOT: VolumeStatus = {
  name: 'vda', target: 'vda', serial: null, hotplugged: false, phase: null, reason: '', message: '', conditions: [], stages: [],
  source: '/images/root.img', sizeBytes: null, origin: null, persisted: true,
}

/** A volume that the guest has, since `at`. */
export function readyVolume(name: string, at = AT): VolumeStatus {
  return {
    name, target: 'sda', serial: name, hotplugged: true, phase: 'Ready', reason: 'VolumeReady', message: `Successfully attach hotplugged volume ${name} to VM`,
    conditions: [
      { type: 'SourceReady', status: 'True', reason: 'SourceFound', message: 'block device 7:3', lastTransitionTime: at },
      { type: 'Ready', status: 'True', reason: 'VolumeReady', message: '', lastTransitionTime: at },
    ],
    stages: [
      { name: 'discovered', startedAt: at, durationMs: 1.25 },
      { name: 'exposed', startedAt: at, durationMs: 0.1 },
      { name: 'attached', startedAt: at, durationMs: 7.5 },
      { name: 'reported', startedAt: at, durationMs: 0.2 },
    ],
    source: `/dev/vg0/${name}`, sizeBytes: 67_108_864, origin: 'request', persisted: false,
    wish: { source: { kind: 'local', path: `/dev/vg0/${name}`, format: 'raw' }, disk: { serial: name, readonly: false, shareable: false, cache: 'none' } },
  }
}

/** A volume that waits, for a reason, since `at`. */
export function pendingVolume(name: string, reason: string, at = AT): VolumeStatus {
  const message = `volume ${name}: /dev/vg0/${name} does not exist`
  return {
    ...readyVolume(name, at), target: '', phase: 'Pending', reason, message, stages: [], sizeBytes: null,
    conditions: [{ type: 'Ready', status: 'False', reason, message, lastTransitionTime: at }],
  }
}

export function runningVm(vm: VmKey, ...volumes: readonly VolumeStatus[]): VmStatus {
  return { vm, uid: '11111111-2222-3333-4444-555555555555', state: 'Running', volumes: [ROOT, ...volumes], problems: [] }
}
