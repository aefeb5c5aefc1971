import type { Actual } from '../../core/volume/actual.ts'
import { diskByAlias, mismatch } from '../../core/disk/disk-match.ts'
import { HotplugError } from '../../errors.ts'
import type { DomainView } from '../../model/domain.ts'
import type { VerbContext } from './context.ts'

/**
 * Takes our own disk out of the persistent definition. Only what the ledger tells of, in the domain it was put into, is
 * touched; where that domain or disk is gone already the ledger is all that is left to clear.
 */
export async function unpersist(ctx: VerbContext): Promise<Actual> {
  const view = await ctx.engine.observe(ctx.vm)
  if (view !== null && view.uuid === ctx.persisted.domainUuid) await undefine(ctx, view)
  await ctx.ports.ledger.remove(ctx.volume.key)
  ctx.volume.persisted = null
  await ctx.engine.observe(ctx.vm)
  return ctx.volume.actual
}

async function undefine(ctx: VerbContext, view: DomainView): Promise<void> {
  const { disk } = ctx.persisted
  const present = diskByAlias(view.persistentDisks, disk.alias)
  if (present === null) return
  const difference = mismatch(present, disk)
  if (difference !== null) {
    throw new HotplugError('DiskMismatch', `the definition of ${ctx.key} has another disk under this volume's name: ${difference}`)
  }
  const outcome = await ctx.ports.domains.unpersist(ctx.key, disk)
  if (outcome.kind === 'done') return
  if (outcome.kind === 'uncertain') await outcome.settled
  throw new HotplugError('PersistFailed', `the definition of ${ctx.key} was not changed: ${outcome.message}`)
}
