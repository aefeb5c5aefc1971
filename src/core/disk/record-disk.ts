import type { DiskPlan, DiskSpec, ExpectedDisk } from '../../model/disk.ts'
import type { Exposure, VolumeRecord } from '../../model/record.ts'
import type { SourceIdentity } from '../../model/source.ts'

/** The disk that a record tells of, as the domain must list it. */
export function expectedDisk(record: VolumeRecord): ExpectedDisk {
  const { alias, target, serial, address } = record
  return { alias, target, serial, address, path: record.exposure.path }
}

/** The disk that a record is to become, for the XML. */
export function diskPlan(record: VolumeRecord, disk: DiskSpec): DiskPlan {
  const { alias, target, address, format, domainUuid } = record
  const { kind: sourceKind, path } = record.exposure
  return { volume: record.key.volume, alias, target, address, sourceKind, path, format, disk, domainUuid }
}

/** What is asked for the present size of a plugged source. */
export function sizeQuestion({ exposure: { path, handle }, identity }: VolumeRecord): Pick<Exposure, 'path' | 'handle'> & { readonly identity: SourceIdentity } {
  return { path, handle, identity }
}
