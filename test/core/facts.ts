import type { LiveDisk } from '../../src/model/disk.ts'
import type { DomainView } from '../../src/model/domain.ts'
import type { VmKey } from '../../src/model/ids.ts'
import type { PersistedDisk, VolumeRecord } from '../../src/model/record.ts'

export const VM = 'default/vm1' as VmKey
const ADDRESS = { controller: 0, bus: 0, target: 0, unit: 0 }

export function liveDisk(over: Partial<LiveDisk> = {}): LiveDisk {
  const none = { format: 'raw', readonly: false, shareable: false, backing: [] }
  return { target: 'sda', bus: 'scsi', device: 'disk', sourceType: 'block', source: '/dev/loop1', serial: 'data', alias: 'ua-data', address: ADDRESS, ...none, ...over }
}

export function domainView(over: Partial<DomainView> = {}): DomainView {
  const process = { pid: 4242, startTime: '1' }
  return { uuid: 'u1', state: 'running', persistent: true, process, disks: [], scsiControllers: [0], persistentDisks: [], ...over }
}

export function volumeRecord(over: Partial<VolumeRecord> = {}): VolumeRecord {
  return {
    key: { vm: VM, volume: 'data' },
    step: 'plugged',
    domainUuid: 'u1',
    process: { pid: 4242, startTime: '1' },
    fingerprint: 'f1',
    alias: 'ua-data',
    target: 'sda',
    address: ADDRESS,
    serial: 'data',
    shareable: false,
    readonly: false,
    exposure: { path: '/dev/loop1', kind: 'block', handle: {} },
    identity: { kind: 'block', device: '7:1', diskseq: '9' },
    footprint: { same: ['b:7:1'], below: [] },
    format: 'raw',
    sizeBytes: 1024,
    hotplugged: true,
    origin: 'request',
    ...over,
  }
}

export function persistedDisk(over: Partial<PersistedDisk> = {}): PersistedDisk {
  const disk = { alias: 'ua-data', target: 'sda', serial: 'data', path: '/dev/loop1', address: ADDRESS }
  return { key: { vm: VM, volume: 'data' }, domainUuid: 'u1', state: 'done', disk, format: 'raw', fingerprint: 'f1', origin: 'request', ...over }
}
