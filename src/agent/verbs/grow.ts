import type { Actual } from '../../core/volume/actual.ts'
import { sizeQuestion } from '../../core/disk/record-disk.ts'
import { HotplugError } from '../../errors.ts'
import type { VolumeRecord } from '../../model/record.ts'
import type { VerbContext } from './context.ts'

const SECTOR_BYTES = 512

/**
 * Tells QEMU that the source has grown, or has it make an image fill what holds it. Compared with what QEMU reports, not with what was told before, and never
 * downwards: rounded up to a sector, since telling QEMU less than the length of a file would cut the file.
 */
export async function grow(ctx: VerbContext): Promise<Actual> {
  ctx.volume.grown = false
  const { record } = ctx
  const seen = await ctx.ports.domains.capacityBytes(ctx.key, record.target)
  const [size] = ctx.ports.sources.sizes([sizeQuestion(record)])
  if (seen === null || size === null || size === undefined) return ctx.volume.actual
  const wanted = Math.max(size, fillBytes(ctx))
  const sizeBytes = Math.ceil(wanted / SECTOR_BYTES) * SECTOR_BYTES
  if (sizeBytes > seen) await resize(ctx, record, sizeBytes)
  return { kind: 'plugged', record: ctx.journal({ ...record, sizeBytes: Math.max(wanted, record.sizeBytes) }, 'plugged'), condemned: false }
}

/** A device has the size that it has. */
function fillBytes({ record, wished }: VerbContext): number {
  return record.exposure.kind === 'file' ? (wished?.fillBytes ?? 0) : 0
}

async function resize(ctx: VerbContext, record: VolumeRecord, sizeBytes: number): Promise<void> {
  const outcome = await ctx.ports.domains.resize(ctx.key, record.target, sizeBytes)
  if (outcome.kind === 'done') return
  if (outcome.kind === 'uncertain') await outcome.settled
  throw new HotplugError('ResizeFailed', `QEMU did not take the new size of ${record.target} of ${ctx.key}: ${outcome.message}`, {
    detail: { path: record.exposure.path, sizeBytes, ...(outcome.kind === 'refused' && { code: outcome.code }) },
  })
}
