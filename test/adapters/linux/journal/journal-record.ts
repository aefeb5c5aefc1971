import type { VmKey } from '../../../../src/model/ids.ts'
import type { VolumeRecord } from '../../../../src/model/record.ts'

/** A whole record of the volume. */
export function recordOf(volume: string, change: Partial<VolumeRecord> = {}): VolumeRecord {
  return {
    key: { vm: 'default/vm ü' as VmKey, volume },
    step: 'exposing',
    domainUuid: '4dea22b3-1d52-d8f3-2516-782e98ab3fa0',
    process: { pid: 4711, startTime: '123456' },
    fingerprint: '["",{"kind":"local","path":"/dev/vg0/data"}]',
    alias: `ua-${volume}`,
    target: 'sda',
    address: { controller: 0, bus: 0, target: 0, unit: 1 },
    serial: volume,
    shareable: false,
    exposure: { path: '/dev/dm-3', kind: 'block', handle: {} },
    identity: { kind: 'block', device: '253:3', diskseq: '41' },
    footprint: { same: ['b:253:3'], below: ['b:8:0'] },
    readonly: false,
    format: 'raw',
    sizeBytes: 1048576,
    hotplugged: true,
    origin: 'request',
    ...change,
  }
}
