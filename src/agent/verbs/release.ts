import type { Actual } from '../../core/volume/actual.ts'
import { expectedDisk } from '../../core/disk/record-disk.ts'
import { HotplugError } from '../../errors.ts'
import type { ProcessRef } from '../../model/domain.ts'
import type { VolumeRecord } from '../../model/record.ts'
import type { VerbContext } from './context.ts'

/** After this many looks, some seconds, the QEMU is not just about to close it. */
const LOOKS = 8

/**
 * Takes the exposure back once the source is proven released: libvirt lists the disk no more *and* no descriptor of its
 * QEMU refers to it (invariant I3). Then nothing of the volume is left.
 */
export async function release(ctx: VerbContext): Promise<Actual> {
  await refuseWhileOpen(ctx, ctx.record)
  const { timeline } = ctx.volume
  const detached = ctx.journal(ctx.record, 'detached')
  timeline.pass('released')
  const releasing = ctx.journal(detached, 'releasing')
  await ctx.ports.exposures.release(ctx.key, releasing.exposure)
  ctx.journal(releasing, 'released')
  ctx.ports.journal.forget(ctx.volume.key)
  ctx.vm.noteDisk(releasing.alias, null)
  timeline.pass(null)
  return ctx.absent()
}

async function refuseWhileOpen(ctx: VerbContext, record: VolumeRecord): Promise<void> {
  if (record.process === null || !(await ctx.ports.processes.holdsOpen(record.process, record.identity))) return
  await clearLeftover(ctx, record, record.process)
  const message = `${record.exposure.path} is still open in the QEMU of ${ctx.key} (pid ${record.process.pid})`
  throw new HotplugError('StillOpen', message, { detail: { path: record.exposure.path, pid: record.process.pid } })
}

/**
 * What libvirt did not live to finish is cleared by nobody else, and a disk that was in the guest all the time without
 * being listed must not be plugged a second time. What came of it shows at the next look.
 */
async function clearLeftover(ctx: VerbContext, record: VolumeRecord, process: ProcessRef): Promise<void> {
  const { trouble } = ctx.volume
  if (trouble?.reason !== 'StillOpen' || trouble.attempts < LOOKS) return
  const now = ctx.vm.view?.process
  // A QEMU that is not the domain's any more cannot be asked.
  if (now?.pid === process.pid && now.startTime === process.startTime) await ctx.ports.domains.clearLeftover(ctx.key, expectedDisk(record))
}
