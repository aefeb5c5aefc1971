import type { Actual } from '../../core/volume/actual.ts'
import { asHotplugError, HotplugError } from '../../errors.ts'
import type { VerbContext } from './context.ts'

/** After QEMU answered, how long a removal that it has taken in may need to show (it takes about 55 ms). */
const SETTLING_MS = 500
const AGAIN_MS = 1_000
/**
 * A removal that libvirt took on counts as pending for this long, also while QEMU answers: libvirt notices the ends of
 * removals one after the other over all its domains, and may be waiting for another one's QEMU.
 */
const TAKEN_ON_MS = 10_000

/**
 * Reads back whether a disk whose removal was asked for is out. If it is still listed, QEMU is asked something harmless:
 * as long as it does not answer the removal counts as pending and is not repeated; when it answers, and the disk is
 * still listed a while later, the removal was refused or never asked for, and may be asked for again.
 */
export async function checkRemoval(ctx: VerbContext): Promise<Actual> {
  const { record } = ctx
  if (await isOut(ctx)) return { kind: 'gone', record }
  const sinceMs = ctx.volume.actual.kind === 'detaching' ? ctx.volume.actual.sinceMs : ctx.ports.clock.monotonicMs()
  ctx.note({ kind: 'detaching', record, sinceMs, check: false })
  if (ctx.ports.clock.monotonicMs() - sinceMs < SETTLING_MS) return waitOn(ctx)
  if (ctx.volume.trouble?.reason !== 'DetachPending') ctx.report(pending(ctx))
  await makeAnswer(ctx)
  await new Promise<void>((resolve) => ctx.ports.clock.after(SETTLING_MS, resolve))
  if (await isOut(ctx)) return { kind: 'gone', record }
  const mayBePending = record.step === 'detachIssued' && ctx.ports.clock.monotonicMs() - sinceMs < TAKEN_ON_MS
  return mayBePending ? waitOn(ctx) : notPending(ctx)
}

/** No answer is the removal still pending, under the same reason, so that its age goes on. */
async function makeAnswer(ctx: VerbContext): Promise<void> {
  try {
    await ctx.ports.domains.capacityBytes(ctx.key, ctx.record.target)
  } catch (thrown) {
    throw asHotplugError(thrown).reason === 'OutcomeUncertain' ? pending(ctx) : thrown
  }
}

function pending(ctx: VerbContext): HotplugError {
  return new HotplugError('DetachPending', `QEMU has not given ${ctx.record.target} of ${ctx.key} up`, { detail: { target: ctx.record.target } })
}

async function isOut(ctx: VerbContext): Promise<boolean> {
  const disk = await ctx.ports.domains.liveDisk(ctx.key, ctx.record.alias)
  if (disk === null) ctx.vm.noteDisk(ctx.record.alias, null)
  return disk === null
}

function waitOn(ctx: VerbContext): Actual {
  ctx.recheckAfter(AGAIN_MS)
  return ctx.volume.actual
}

/**
 * Nothing is pending. A removal whose call was never seen to end is simply asked for again; a refused one is told first.
 * What the disk holds is to be proven anew: it may have been on its way out because of that.
 */
function notPending(ctx: VerbContext): Actual {
  const { record } = ctx
  const listed: Actual = { kind: 'unproven', record: ctx.journal(record, 'plugged') }
  if (record.step !== 'detachIssued') return listed
  ctx.note(listed)
  throw new HotplugError('DetachRefused', `QEMU kept ${record.target} of ${ctx.key} although its removal was asked for`, { detail: { target: record.target } })
}
