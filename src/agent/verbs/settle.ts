import type { Actual } from '../../core/volume/actual.ts'
import { diskByAlias, mismatch } from '../../core/disk/disk-match.ts'
import { expectedDisk } from '../../core/disk/record-disk.ts'
import { HotplugError } from '../../errors.ts'
import { type DomainView, sameProcess } from '../../model/domain.ts'
import type { VolumeRecord } from '../../model/record.ts'
import { provenView, type VerbContext } from './context.ts'
import { condemn, prove, sourceUnchanged } from './prove.ts'

/** How long a removal that may have been asked for before a restart is given to show itself. */
const REMOVAL_GRACE_MS = 700

/**
 * Finds out what became of an act whose end was not seen: after a restart, an uncertain call, or a disk that somebody
 * else touched. Reads the live domain and QEMU's open files; changes nothing in the domain.
 */
export async function settle(ctx: VerbContext): Promise<Actual> {
  const { record } = ctx
  const view = await ctx.engine.observe(ctx.vm)
  if (view === null || view.state === 'off' || view.uuid !== record.domainUuid) return settleStopped(ctx, record)
  if (view.state === 'saved') return { kind: 'unproven', record }
  const disk = diskByAlias(view.disks, record.alias)
  if (disk === null) return settleUnlisted(ctx, record)
  const difference = mismatch(disk, expectedDisk(record))
  if (difference !== null) throw new HotplugError('DiskMismatch', `the domain lists another disk for ${ctx.volume.id}: ${difference}`)
  if (removalMayBePending(record, view)) return awaitRemoval(ctx, record)
  if (wasNeverProven(record) && !(await sourceUnchanged(ctx, record))) return condemn(ctx, record, 'the path was changed during the attach')
  return prove(ctx, record, provenView(ctx.key, view))
}

/** Its attach is not behind us: as after any attach, number and sequence of a device are compared, which QEMU's descriptors do not tell. */
function wasNeverProven({ step }: VolumeRecord): boolean {
  return step === 'attaching' || step === 'attached'
}

/** The domain is off, or another one has its name; its QEMU may take a moment longer to end. */
async function settleStopped(ctx: VerbContext, record: VolumeRecord): Promise<Actual> {
  if (record.process !== null && (await ctx.ports.processes.alive(record.process))) {
    throw new HotplugError('StillOpen', `the domain of ${ctx.key} is off but its QEMU (pid ${record.process.pid}) still runs`, { detail: { path: record.exposure.path, pid: record.process.pid } })
  }
  return { kind: 'gone', record }
}

/**
 * Not listed now. An attach that was cut off may still be under way in libvirt: a call that needs the domain's job comes
 * after it, and then the list is final.
 */
async function settleUnlisted(ctx: VerbContext, record: VolumeRecord): Promise<Actual> {
  if (record.step !== 'attaching') return { kind: 'gone', record }
  await ctx.ports.domains.capacityBytes(ctx.key, record.target)
  const late = await ctx.ports.domains.liveDisk(ctx.key, record.alias)
  return late === null ? { kind: 'gone', record } : { kind: 'unproven', record: { ...record, step: 'attached' } }
}

function removalMayBePending(record: VolumeRecord, view: DomainView): boolean {
  const asked = record.step === 'detaching' || record.step === 'detachIssued'
  return asked && sameProcess(record.process, view.process)
}

/** It may have been asked to go already: asked again while that is pending, libvirt crashes. */
export function awaitRemoval(ctx: VerbContext, record: VolumeRecord): Actual {
  ctx.recheckAfter(REMOVAL_GRACE_MS)
  return { kind: 'detaching', record, sinceMs: ctx.ports.clock.monotonicMs(), check: false }
}
