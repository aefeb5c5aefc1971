import type { VmView, VolumeView } from '../view.ts'
import { drawDetails, type Fold } from './draw-details.ts'
import { element } from './element.ts'

/** What a VM is drawn from, beside its view. */
export interface VmParts extends Fold {
  readonly drawVolume: (volume: VolumeView) => HTMLElement
}

/** The volumes of a VM that is closed are not drawn at all: there may be hundreds. */
export function drawVm(vm: VmView, parts: VmParts): HTMLElement {
  return drawDetails('vm', drawSummary(vm), parts.isOpen ? [...vm.volumes.map(parts.drawVolume), drawOrdinary(vm)] : [], parts)
}

function drawSummary(vm: VmView): HTMLElement {
  return element(
    'summary', { 'data-focus': `vm ${vm.key}` },
    element('span', { class: 'name' }, vm.namespace === 'default' ? '' : `${vm.namespace}/`, element('bdi', {}, vm.name)),
    element('span', { class: 'state' }, vm.state),
    element('span', { class: 'sums' }, sumsOf(vm)),
    ...vm.problems.map(({ reason, message }) => element('span', { class: 'problem' }, `${reason}: ${message}`)),
  )
}

/** `1 stuck, 7 ready`. */
function sumsOf({ volumes }: VmView): string {
  const counts = Map.groupBy(volumes, ({ standing }) => standing)
  const words = (['stuck', 'moving', 'waiting', 'ready'] as const).flatMap(standing => {
    const count = counts.get(standing)?.length ?? 0
    return count === 0 ? [] : [`${count} ${standing}`]
  })
  return words.length === 0 ? 'nothing hot-plugged' : words.join(', ')
}

function drawOrdinary({ ordinary }: VmView): HTMLElement | null {
  return ordinary.length === 0 ? null : element('p', { class: 'ordinary' }, `The VM's own disks: ${ordinary.join(', ')}`)
}
