import type { Actual } from '../../core/volume/actual.ts'
import { mismatch } from '../../core/disk/disk-match.ts'
import { diskPlan, expectedDisk } from '../../core/disk/record-disk.ts'
import { HotplugError } from '../../errors.ts'
import type { DomainView } from '../../model/domain.ts'
import type { VolumeRecord } from '../../model/record.ts'
import { describeIdentity, type ResolvedSource, sameIdentity } from '../../model/source.ts'
import { lookUp } from '../in-time.ts'
import { choosePlace } from './choose-place.ts'
import { provenView, type RunningView, type VerbContext } from './context.ts'
import { condemn, judge, presentHolder, presentSource, sourceUnchanged } from './prove.ts'

/**
 * Brings a volume into the running domain: discover, expose, attach, prove. Whatever fails after the first journal entry
 * leaves the volume `unproven`, so that the next act reads back what is there before anything else is done.
 */
export async function plug(ctx: VerbContext): Promise<Actual> {
  ctx.volume.timeline.beginPlug()
  refuseImpossible(ctx, await currentView(ctx))
  const source = ctx.engine.takeForeseen(ctx.volume, ctx.desired.source) ?? (await lookUp(ctx.ports, ctx.desired.source))
  const view = await currentView(ctx) // once more: a look-up may take long, and the domain may be another one by now
  refuseImpossible(ctx, view)
  claim(ctx, source)
  ctx.volume.timeline.pass('exposed')
  const record = await expose(ctx, draft(ctx, view, source), source)
  ctx.volume.timeline.pass('attached')
  await attach(ctx, record)
  ctx.volume.timeline.pass(null)
  return verify(ctx, view)
}

/**
 * The view in memory follows every event; it is read anew where there is none yet, and for a disk whose place must be free
 * in the definition too, since of changes to the definition alone libvirt may tell nobody.
 */
async function currentView(ctx: VerbContext): Promise<RunningView> {
  const known = ctx.desired.persist ? null : ctx.vm.view
  return provenView(ctx.key, known ?? (await ctx.engine.observe(ctx.vm)))
}

function refuseImpossible(ctx: VerbContext, view: DomainView): void {
  const { vmUid } = ctx.desired
  if (vmUid !== null && vmUid !== view.uuid) {
    throw new HotplugError('VmReplaced', `the domain of ${ctx.key} has UUID ${view.uuid}; the volume was added to ${vmUid}`)
  }
  if (ctx.desired.persist && !view.persistent) {
    throw new HotplugError('TransientDomain', `the domain of ${ctx.key} is transient: nothing can be persisted in it`)
  }
}

/** Invariant I1 over all VMs of the node. Takes the source in the same breath, so that no other VM can. */
function claim(ctx: VerbContext, source: ResolvedSource): void {
  const self = ctx.holder(ctx.desired.disk.shareable)
  const other = ctx.engine.sources.conflict(self, source.footprint)
  if (other !== null) {
    const message = `${source.path} (${describeIdentity(source.identity)}) is in use by ${other.label}`
    throw new HotplugError('SourceInUse', message, { detail: { path: source.path, holder: other.label } })
  }
  ctx.engine.sources.set(self, source.footprint)
}

function draft(ctx: VerbContext, view: RunningView, source: ResolvedSource): VolumeRecord {
  const { desired } = ctx
  ctx.volume.placement = choosePlace(ctx, view)
  return {
    key: ctx.volume.key,
    step: 'exposing',
    domainUuid: view.uuid,
    process: view.process,
    fingerprint: ctx.fingerprint,
    alias: ctx.volume.alias,
    ...ctx.volume.placement,
    serial: desired.disk.serial,
    shareable: desired.disk.shareable,
    readonly: desired.disk.readonly,
    exposure: ctx.ports.exposures.plan(source),
    identity: source.identity,
    footprint: source.footprint,
    format: source.format,
    sizeBytes: source.sizeBytes,
    hotplugged: true,
    origin: desired.origin.kind,
  }
}

async function expose(ctx: VerbContext, planned: VolumeRecord, source: ResolvedSource): Promise<VolumeRecord> {
  const record = ctx.journal(planned, 'exposing')
  ctx.note({ kind: 'unproven', record })
  await ctx.ports.exposures.expose(ctx.key, record.exposure, source)
  const exposed = ctx.journal(record, 'exposed')
  ctx.note({ kind: 'unproven', record: exposed })
  const now = await presentSource(ctx, exposed)
  if (now !== null && sameIdentity(now, exposed.identity)) return exposed
  const { path } = exposed.exposure
  const found = now === null ? 'nothing' : describeIdentity(now)
  throw new HotplugError('SourceChanged', `${path} leads to ${found} now, not to ${describeIdentity(exposed.identity)}`, { detail: { path } })
}

async function attach(ctx: VerbContext, exposed: VolumeRecord): Promise<void> {
  const record = ctx.journal(exposed, 'attaching')
  ctx.note({ kind: 'unproven', record })
  const outcome = await ctx.ports.domains.attach(ctx.key, diskPlan(record, ctx.desired.disk))
  if (outcome.kind === 'refused') throw refusal(ctx, record, outcome)
  if (outcome.kind === 'done') return ctx.note({ kind: 'unproven', record: ctx.journal(record, 'attached') })
  const error = new HotplugError('OutcomeUncertain', `attach of ${ctx.volume.id}: ${outcome.message}`)
  ctx.report(error)
  await outcome.settled
  throw error
}

function refusal(ctx: VerbContext, record: VolumeRecord, outcome: { code: string; message: string }): HotplugError {
  const denied = /permission denied|not permitted/i.test(outcome.message)
  const message = `libvirt refused to attach ${record.exposure.path} to ${ctx.key}: ${outcome.message}`
  return new HotplugError(denied ? 'PermissionDenied' : 'AttachRefused', message, {
    detail: { path: record.exposure.path, code: outcome.code, target: record.target },
  })
}

async function verify(ctx: VerbContext, view: RunningView): Promise<Actual> {
  const { record } = ctx
  const [disk, isUnchanged, isHeld] = await Promise.all([
    ctx.ports.domains.liveDisk(ctx.key, record.alias, record.domainUuid),
    sourceUnchanged(ctx, record),
    ctx.ports.processes.holdsOpen(view.process, record.identity),
  ])
  if (disk === null) throw new HotplugError('DiskRemovedByOthers', `the disk of ${ctx.volume.id} left the domain right after it was attached`)
  ctx.vm.noteDisk(record.alias, disk)
  const difference = mismatch(disk, expectedDisk(record))
  if (difference !== null) throw new HotplugError('DiskMismatch', `the domain lists another disk for ${ctx.volume.id}: ${difference}`)
  if (!isUnchanged) return condemn(ctx, await presentHolder(ctx, record), 'the path was changed during the attach')
  return judge(ctx, record, { ...view, persistentDisks: ctx.vm.view?.persistentDisks ?? [] }, isHeld)
}
