import { isFree, place, type Placement } from '../../core/disk/placement.ts'
import type { DomainView } from '../../model/domain.ts'
import type { VerbContext } from './context.ts'

/**
 * A place for the volume's disk: that of our own persisted definition, where there is one and nobody else has it, so that
 * live and persistent disk agree. Whoever takes it notes it as `placement` before anything else is waited for.
 */
export function choosePlace(ctx: VerbContext, view: DomainView): Placement {
  const reserved = ctx.vm.reserved(ctx.volume)
  const kept = ctx.volume.persisted?.disk
  if (kept === undefined || !isFree(kept, withoutOwn(ctx, view), reserved)) return place(view, reserved)
  return { target: kept.target, address: kept.address }
}

/** The disks of a domain that is off are those of its definition. */
function withoutOwn(ctx: VerbContext, view: DomainView): DomainView {
  const others = view.persistentDisks.filter((disk) => disk.alias !== ctx.volume.alias)
  return { ...view, persistentDisks: others, disks: view.state === 'off' ? others : view.disks }
}
