import type { DiskPlan, DiskSpec, ExpectedDisk } from '../model/disk.ts'
import type { VolumeRecord } from '../model/record.ts'

/** The disk that a record tells of, as the domain must list it. */
export function expectedDisk(record: VolumeRecord): ExpectedDisk {
  const { alias, target, serial, address } = record
  return { alias, target, serial, address, path: record.exposure.path }
}

/** The disk that a record is to become, for the XML. */
export function diskPlan(record: VolumeRecord, disk: DiskSpec): DiskPlan {
  const { alias, target, address, format } = record
  const { kind: sourceKind, path } = record.exposure
  return { volume: record.key.volume, alias, target, address, sourceKind, path, format, disk }
}
