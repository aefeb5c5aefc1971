import type { Actual } from '../../core/volume/actual.ts'
import { diskByAlias } from '../../core/disk/disk-match.ts'
import { HotplugError } from '../../errors.ts'
import { sameProcess } from '../../model/domain.ts'
import { describeIdentity, sameIdentity, type SourceIdentity } from '../../model/source.ts'
import type { VolumeRecord } from '../../model/record.ts'
import { inTime } from '../in-time.ts'
import type { RunningView, VerbContext } from './context.ts'

/**
 * Makes sure that QEMU has the very source open that the record names (invariant I2); libvirt listing the disk is not
 * enough, since it opened a path. A disk that holds anything else is condemned, which takes it out at once.
 */
export async function prove(ctx: VerbContext, record: VolumeRecord, view: RunningView): Promise<Actual> {
  return judge(ctx, record, view, await ctx.ports.processes.holdsOpen(view.process, record.identity))
}

/** The same with what was seen of the QEMU's open files. */
export async function judge(ctx: VerbContext, record: VolumeRecord, view: RunningView, isHeld: boolean): Promise<Actual> {
  const plugged = { ...record, process: view.process, hotplugged: isHotplugged(ctx, record, view) }
  if (!isHeld) return disprove(ctx, plugged)
  ctx.engine.sources.set(ctx.holder(record.shareable), record.footprint)
  const known = record.step === 'plugged' && JSON.stringify(plugged) === JSON.stringify(record)
  return { kind: 'plugged', record: known ? record : ctx.journal(plugged, 'plugged'), condemned: false }
}

/** Not open in the QEMU that was looked at. By now the domain may have another one; then that one is to be looked at. */
async function disprove(ctx: VerbContext, record: VolumeRecord): Promise<Actual> {
  const holder = await presentHolder(ctx, record)
  const isAnother = holder.domainUuid === record.domainUuid && !sameProcess(holder.process, record.process)
  if (isAnother) return { kind: 'unproven', record }
  return condemn(ctx, holder, `QEMU has not opened ${describeIdentity(record.identity)} for it`)
}

/** The record, told of the domain and QEMU that have the disk now: those are to let it go. */
export async function presentHolder(ctx: VerbContext, record: VolumeRecord): Promise<VolumeRecord> {
  const { uuid, process } = await ctx.running()
  return { ...record, domainUuid: uuid, process }
}

/** Whether the path still leads to what was looked up; read again after the attach, as before it. */
export async function sourceUnchanged(ctx: VerbContext, record: VolumeRecord): Promise<boolean> {
  const now = await presentSource(ctx, record)
  return now !== null && sameIdentity(now, record.identity)
}

/** What the exposed path leads to now; null: nothing. */
export function presentSource({ ports: { clock, sources } }: VerbContext, { exposure }: VolumeRecord): Promise<SourceIdentity | null> {
  return inTime(clock, exposure.path, sources.identify(exposure))
}

/** The disk holds the wrong bytes. Where it could not be taken out already, that stays what is told, and is waited for. */
export function condemn(ctx: VerbContext, record: VolumeRecord, because: string): Actual {
  const message = `${record.exposure.path} does not lead to ${describeIdentity(record.identity)} any more: ${because}; the disk is taken out at once`
  if (ctx.volume.trouble?.verb !== 'unplug') ctx.report(new HotplugError('SourceChanged', message))
  return { kind: 'plugged', record, condemned: true }
}

/**
 * A disk that came up with a new QEMU because our own persisted definition has it is the VM's ordinary disk by now;
 * one that this QEMU was given by us stays hot-plugged.
 */
function isHotplugged(ctx: VerbContext, record: VolumeRecord, view: RunningView): boolean {
  if (sameProcess(record.process, view.process)) return record.hotplugged
  const defined = diskByAlias(view.persistentDisks, record.alias) !== null
  return !(defined && ctx.volume.persisted?.state === 'done')
}
