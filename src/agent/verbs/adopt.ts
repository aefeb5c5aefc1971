import type { Actual } from '../../core/volume/actual.ts'
import { diskByAlias, mismatch } from '../../core/disk/disk-match.ts'
import { HotplugError } from '../../errors.ts'
import { foreignDiskId } from '../../core/disk/footprint-index.ts'
import type { LeavingVolume } from '../../model/desired.ts'
import type { DiskSpec, LiveDisk } from '../../model/disk.ts'
import type { PersistedDisk, VolumeRecord } from '../../model/record.ts'
import type { ResolvedSource, SourceSpec } from '../../model/source.ts'
import { lookUp } from '../in-time.ts'
import type { RunningView, VerbContext } from './context.ts'
import { prove } from './prove.ts'
import { awaitRemoval } from './settle.ts'

/**
 * Takes over a disk that the domain lists under the volume's alias and that no journal tells of: after the journal was
 * lost, or after a restart of the VM with a disk that we persisted. Only a disk that is exactly what is wished, what our
 * own ledger says, or where a volume that is to go would be, and whose source QEMU provenly has open, is ours. One that is
 * to go may have been asked out before its journal was lost, so that is waited for first.
 */
export async function adopt(ctx: VerbContext): Promise<Actual> {
  const view = await ctx.running()
  const disk = diskByAlias(view.disks, ctx.volume.alias)
  if (disk === null) return ctx.absent()
  const ours = oursOf(ctx, disk)
  const source = await lookUp(ctx.ports, ours.source)
  const difference = foreign(disk, source, ours)
  if (difference !== null) {
    throw new HotplugError('DiskMismatch', `${disk.target} of ${ctx.key} has this volume's name but was not plugged by hotplugd: ${difference}`)
  }
  // Ours before it is nobody's: in between another VM could take the source.
  ctx.engine.sources.set(ctx.holder(disk.shareable), source.footprint)
  const actual = await prove(ctx, recordFrom(ctx, view, { disk, source, ours }), view)
  ctx.engine.sources.delete(foreignDiskId(ctx.key, disk.target))
  return ctx.wished === null && actual.kind === 'plugged' ? awaitRemoval(ctx, ctx.journal(actual.record, 'detaching')) : actual
}

/** What the disk must be to be ours, and what is then known of it. */
interface Ours extends Pick<VolumeRecord, 'fingerprint' | 'origin'> {
  readonly source: SourceSpec
  /** Null: not told. */
  readonly serial: string | null
  /** Null: not told. */
  readonly access: Pick<DiskSpec, 'readonly' | 'shareable'> | null
}

/** Of an earlier wish, if the ledger knows the disk under that: it goes out then, and what is wished now comes in. */
function oursOf(ctx: VerbContext, disk: LiveDisk): Ours {
  const { wished, fingerprint } = ctx
  const entry = ctx.volume.persisted
  const isEarlier = entry !== null && entry.fingerprint !== fingerprint && mismatch(disk, entry.disk) === null
  if (entry !== null && (wished === null || isEarlier)) return persistedOurs(entry)
  if (wished === null) return leavingOurs(ctx.leaving)
  const { source, disk: access, origin } = wished
  return { source, access, fingerprint, serial: access.serial, origin: origin.kind }
}

function persistedOurs({ disk, format, fingerprint, origin }: PersistedDisk): Ours {
  return { source: { kind: 'local', path: disk.path, format }, access: null, fingerprint, serial: disk.serial, origin }
}

function leavingOurs({ source, origin }: LeavingVolume): Ours {
  return { source, access: null, fingerprint: '', serial: null, origin: origin.kind }
}

function foreign(disk: LiveDisk, source: ResolvedSource, { serial, access }: Ours): string | null {
  if (disk.source !== source.path) return `its source is ${disk.source ?? 'absent'}, not ${source.path}`
  if (serial !== null && disk.serial !== serial) return `its serial is ${disk.serial ?? 'absent'}, not ${serial}`
  if (disk.format !== source.format) return `its format is ${disk.format ?? 'absent'}, not ${source.format}`
  if (access !== null && disk.readonly !== access.readonly) return disk.readonly ? 'it is read-only' : 'it is writable'
  if (access !== null && disk.shareable !== access.shareable) return disk.shareable ? 'it is shareable' : 'it is not shareable'
  if (disk.bus !== 'scsi' || disk.address === null) return `it is on bus ${disk.bus}`
  return null
}

interface Found {
  readonly disk: LiveDisk
  readonly source: ResolvedSource
  readonly ours: Ours
}

function recordFrom(ctx: VerbContext, view: RunningView, { disk, source, ours }: Found): VolumeRecord {
  return {
    key: ctx.volume.key,
    step: 'attached',
    domainUuid: view.uuid,
    process: null,
    fingerprint: ours.fingerprint,
    alias: ctx.volume.alias,
    target: disk.target,
    address: disk.address ?? { controller: 0, bus: 0, target: 0, unit: 0 },
    serial: disk.serial ?? '',
    shareable: disk.shareable,
    readonly: disk.readonly,
    exposure: ctx.ports.exposures.plan(source), // as a plug would have made it
    identity: source.identity,
    footprint: source.footprint,
    format: source.format,
    sizeBytes: growable(disk, source) ? 0 : source.sizeBytes,
    hotplugged: true,
    origin: ours.origin,
  }
}

/** What QEMU shows the guest of it is asked once, by growing it to what it is. */
function growable(disk: LiveDisk, source: ResolvedSource): boolean {
  return source.format === 'raw' && !disk.readonly
}
