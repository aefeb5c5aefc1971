import type { VmiObject } from '../http/objects/vmi-object.ts'
import type { Columns } from './columns.ts'

/** The table of `get vmis`. */
export function vmiColumns(shape: { readonly isWide: boolean; readonly showNamespace: boolean }): Columns {
  const lead = shape.showNamespace ? ['NAMESPACE'] : []
  const wide = shape.isWide ? ['UID', 'MESSAGE'] : []
  const row = (vmi: VmiObject): readonly string[] => {
    const { metadata, status } = vmi
    const trouble = status.conditions.find(condition => condition.type === 'Synchronized')
    const plugged = status.volumeStatus.filter(volume => volume.hotplugVolume !== undefined)
    const ready = plugged.filter(volume => volume.phase === 'Ready')
    const cells = [metadata.name, status.printableStatus, String(status.volumeStatus.length), `${ready.length}/${plugged.length}`, trouble?.reason ?? '']
    return [...(shape.showNamespace ? [metadata.namespace] : []), ...cells, ...(shape.isWide ? [metadata.uid ?? '', trouble?.message ?? ''] : [])]
  }
  return { head: [...lead, 'NAME', 'STATUS', 'DISKS', 'HOTPLUGGED READY', 'REASON', ...wide], rows: vmi => [row(vmi)], keyCells: lead.length + 1 }
}
