import type { Actual } from '../../core/actual.ts'
import { diskByAlias } from '../../core/disk-match.ts'
import { HotplugError } from '../../errors.ts'
import { foreignDiskId } from '../../core/footprint-index.ts'
import type { LiveDisk } from '../../model/disk.ts'
import type { VolumeRecord } from '../../model/record.ts'
import type { ResolvedSource, SourceSpec } from '../../model/source.ts'
import type { RunningView, VerbContext } from './context.ts'
import { prove } from './prove.ts'

/**
 * Takes over a disk that the domain lists under the volume's alias and that no journal tells of: after the journal was
 * lost, or after a restart of the VM with a disk that we persisted. Only a disk that is exactly what is wished, or what
 * our own ledger says, and whose source QEMU provenly has open, is ours.
 */
export async function adopt(ctx: VerbContext): Promise<Actual> {
  const view = await ctx.running()
  const disk = diskByAlias(view.disks, ctx.volume.alias)
  if (disk === null) return ctx.absent()
  const source = await ctx.ports.sources.resolve(wanted(ctx).source)
  const difference = foreign(ctx, disk, source)
  if (difference !== null) {
    throw new HotplugError('DiskMismatch', `${disk.target} of ${ctx.key} has this volume's name but was not plugged by hotplugd: ${difference}`)
  }
  ctx.engine.sources.delete(foreignDiskId(ctx.key, disk.target))
  return prove(ctx, recordFrom(ctx, view, { disk, source }), view)
}

interface Wanted {
  readonly source: SourceSpec
  readonly serial: string
}

function wanted(ctx: VerbContext): Wanted {
  const { desired } = ctx.volume
  if (desired !== null) return { source: desired.source, serial: desired.disk.serial }
  const { disk, format } = ctx.persisted
  return { source: { kind: 'local', path: disk.path, format }, serial: disk.serial }
}

function foreign(ctx: VerbContext, disk: LiveDisk, source: ResolvedSource): string | null {
  if (disk.source !== source.path) return `its source is ${disk.source ?? 'absent'}, not ${source.path}`
  if (disk.serial !== wanted(ctx).serial) return `its serial is ${disk.serial ?? 'absent'}, not ${wanted(ctx).serial}`
  if (disk.bus !== 'scsi' || disk.address === null) return `it is on bus ${disk.bus}`
  return null
}

function recordFrom(ctx: VerbContext, view: RunningView, found: { disk: LiveDisk; source: ResolvedSource }): VolumeRecord {
  const { disk, source } = found
  return {
    key: ctx.volume.key,
    step: 'attached',
    domainUuid: view.uuid,
    process: null,
    fingerprint: ctx.volume.wish?.fingerprint ?? ctx.persisted.fingerprint,
    alias: ctx.volume.alias,
    target: disk.target,
    address: disk.address ?? { controller: 0, bus: 0, target: 0, unit: 0 },
    serial: disk.serial ?? '',
    shareable: disk.shareable,
    readonly: disk.readonly,
    exposure: { path: source.path, kind: source.identity.kind, handle: {} },
    identity: source.identity,
    footprint: source.footprint,
    format: source.format,
    sizeBytes: growable(disk, source) ? 0 : source.sizeBytes,
    hotplugged: true,
    origin: ctx.volume.desired?.origin.kind ?? ctx.persisted.origin,
  }
}

/** What QEMU shows the guest of it is asked once, by growing it to what it is. */
function growable(disk: LiveDisk, source: ResolvedSource): boolean {
  return source.format === 'raw' && !disk.readonly
}
