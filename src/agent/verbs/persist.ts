import type { Actual } from '../../core/volume/actual.ts'
import { recordOf } from '../../core/volume/actual.ts'
import { diskByAlias, mismatch } from '../../core/disk/disk-match.ts'
import { HotplugError } from '../../errors.ts'
import type { DiskPlan } from '../../model/disk.ts'
import type { DomainView } from '../../model/domain.ts'
import type { PersistedDisk } from '../../model/record.ts'
import { lookUp } from '../in-time.ts'
import { choosePlace } from './choose-place.ts'
import type { VerbContext } from './context.ts'

/**
 * Puts the disk into the domain's persistent definition, at the place it has in the running domain, if it runs. The
 * intent is in the ledger, durably, before the definition is changed.
 */
export async function persist(ctx: VerbContext): Promise<Actual> {
  const view = await persistentView(ctx)
  const plan = await definitionPlan(ctx, view)
  const entry = await writeIntent(ctx, view, plan)
  if (!isDefined(ctx, view, entry)) await define(ctx, plan)
  ctx.volume.persisted = { ...entry, state: 'done' }
  await ctx.ports.ledger.put(ctx.volume.persisted)
  await ctx.engine.observe(ctx.vm)
  return ctx.volume.actual
}

async function persistentView(ctx: VerbContext): Promise<DomainView> {
  const view = await ctx.engine.observe(ctx.vm)
  if (view === null) throw new HotplugError('VmNotFound', `libvirt has no domain for ${ctx.key}`)
  if (view.persistent) return view
  throw new HotplugError('TransientDomain', `the domain of ${ctx.key} is transient: nothing can be persisted in it`)
}

/** From the running disk where there is one; else from the source, as a plug would. */
async function definitionPlan(ctx: VerbContext, view: DomainView): Promise<DiskPlan> {
  const { desired, volume } = ctx
  const record = recordOf(volume.actual)
  const source = record === null ? await lookUp(ctx.ports, desired.source) : null
  const exposure = record?.exposure ?? (source === null ? null : ctx.ports.exposures.plan(source))
  if (exposure === null) throw new HotplugError('InternalError', `nothing to persist for ${volume.id}`)
  const { target, address } = record ?? choosePlace(ctx, view)
  volume.placement = { target, address }
  const { path, kind: sourceKind } = exposure
  return { volume: volume.key.volume, alias: volume.alias, target, address, sourceKind, path, format: desired.source.format, disk: desired.disk }
}

async function writeIntent(ctx: VerbContext, view: DomainView, plan: DiskPlan): Promise<PersistedDisk> {
  const { alias, target, address, path, format } = plan
  const entry: PersistedDisk = {
    key: ctx.volume.key,
    domainUuid: view.uuid,
    state: 'intended',
    disk: { alias, target, address, path, serial: plan.disk.serial },
    format,
    fingerprint: ctx.fingerprint,
    origin: ctx.desired.origin.kind,
  }
  await ctx.ports.ledger.put(entry)
  ctx.volume.persisted = entry
  return entry
}

function isDefined(ctx: VerbContext, view: DomainView, entry: PersistedDisk): boolean {
  const present = diskByAlias(view.persistentDisks, ctx.volume.alias)
  if (present === null) return false
  const difference = mismatch(present, entry.disk)
  if (difference === null) return true
  const remedy = `Take that disk out of the definition if it is not wanted: virsh detach-device-alias VM ${ctx.volume.alias} --config`
  throw new HotplugError('PersistFailed', `the definition of ${ctx.key} has another disk under this volume's name: ${difference}`, { remedy, detail: { path: entry.disk.path } })
}

async function define(ctx: VerbContext, plan: DiskPlan): Promise<void> {
  const outcome = await ctx.ports.domains.persist(ctx.key, plan)
  if (outcome.kind === 'done') return
  if (outcome.kind === 'uncertain') await outcome.settled
  const detail = { path: plan.path, target: plan.target, ...(outcome.kind === 'refused' && { code: outcome.code }) }
  throw new HotplugError('PersistFailed', `the definition of ${ctx.key} was not changed: ${outcome.message}`, { detail })
}
