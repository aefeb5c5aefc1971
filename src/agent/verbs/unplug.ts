import type { Actual } from '../../core/volume/actual.ts'
import { expectedDisk } from '../../core/disk/record-disk.ts'
import { HotplugError } from '../../errors.ts'
import type { VolumeRecord } from '../../model/record.ts'
import type { VerbContext } from './context.ts'

/** How long the news of a removal may take before the live domain is read instead. */
const NEWS_MS = 1_000

/**
 * Asks QEMU to give the disk up. It is asked once: asking again while a removal is pending crashes libvirt, so the
 * volume stays `detaching` until the removal is proven, or proven not to be pending.
 */
export async function unplug(ctx: VerbContext): Promise<Actual> {
  ctx.volume.timeline.restart('detached')
  const record = ctx.journal(ctx.record, 'detaching')
  const sinceMs = ctx.ports.clock.monotonicMs()
  ctx.note({ kind: 'detaching', record, sinceMs, check: false })
  const outcome = await toldIfLate(ctx, ctx.ports.domains.requestDetach(ctx.key, expectedDisk(record)))
  ctx.recheckAfter(NEWS_MS)
  if (outcome.kind === 'done') {
    ctx.takeBack('DetachPending') // libvirt has answered; what QEMU does is told anew
    return { kind: 'detaching', record: ctx.journal(record, 'detachIssued'), sinceMs, check: false }
  }
  if (outcome.kind === 'refused') return readBack(ctx, record, outcome)
  ctx.report(new HotplugError('DetachPending', `the call that takes ${record.target} out of ${ctx.key} has not ended: ${outcome.message}`))
  await outcome.settled
  return { kind: 'detaching', record, sinceMs, check: true }
}

/** A removal that takes longer than any does is told before its call has come to its deadline. */
async function toldIfLate<T>(ctx: VerbContext, call: Promise<T>): Promise<T> {
  const { target } = ctx.record
  const cancel = ctx.ports.clock.after(NEWS_MS, () => ctx.report(new HotplugError('DetachPending', `the removal of ${target} from ${ctx.key} was due a second ago, and libvirt has not answered yet`, { detail: { target } })))
  try {
    return await call
  } finally {
    cancel()
  }
}

/**
 * A refusal may mean that the disk is gone already; the live domain decides, not the code. What a disk that stays holds
 * is to be proven anew: it may have been on its way out because of that.
 */
async function readBack(ctx: VerbContext, record: VolumeRecord, refusal: { code: string; message: string }): Promise<Actual> {
  const disk = await ctx.ports.domains.liveDisk(ctx.key, record.alias)
  if (disk === null) return { kind: 'gone', record }
  ctx.note({ kind: 'unproven', record: ctx.journal(record, 'plugged') })
  throw new HotplugError('DetachRefused', `${record.target} of ${ctx.key} was not taken out: ${refusal.message}`, {
    detail: { code: refusal.code, target: record.target },
  })
}
