import { formatAge } from '../config/duration.ts'
import type { VmiObject } from '../http/objects/vmi-object.ts'
import type { VolumeObject } from '../http/objects/volume-object.ts'
import type { Columns } from './columns.ts'
import { formatSize } from './table.ts'

interface Shape {
  readonly isWide: boolean
  readonly showNamespace: boolean
  readonly showVm: boolean
}

/** The table of `get volumes`. */
export function volumeColumns(shape: Shape): Columns {
  const lead = [...(shape.showNamespace ? ['NAMESPACE'] : []), ...(shape.showVm ? ['VM'] : [])]
  const wide = shape.isWide ? ['SOURCE', 'ORIGIN', 'PERSISTED', 'CONDITIONS', 'MESSAGE'] : []
  const leadOf = ({ metadata }: VmiObject): readonly string[] => [...(shape.showNamespace ? [metadata.namespace] : []), ...(shape.showVm ? [metadata.name] : [])]
  const row = (volume: VolumeObject): readonly string[] => [...narrowCells(volume), ...(shape.isWide ? wideCells(volume) : [])]
  return {
    head: [...lead, 'NAME', 'PHASE', 'TARGET', 'SERIAL', 'SIZE', 'AGE', 'REASON', ...wide],
    rows: vmi => vmi.status.volumeStatus.map(volume => [...leadOf(vmi), ...row(volume)]),
    keyCells: lead.length + 1,
  }
}

function narrowCells(volume: VolumeObject): readonly string[] {
  return [volume.name, volume.phase ?? '', volume.target, volume.serial ?? '', formatSize(volume.size), ageOf(volume), volume.reason ?? '']
}

function wideCells({ source, origin, persisted, conditions = [], message }: VolumeObject): readonly string[] {
  const said = conditions.map(({ type, status }) => `${status === 'True' ? '' : status === 'False' ? '!' : '?'}${type}`).join(',')
  return [source ?? '', origin ?? '', persisted === undefined ? '' : persisted ? 'yes' : 'no', said, message ?? '']
}

/** How long the volume has been ready, or not. */
export function ageOf({ conditions = [] }: VolumeObject): string {
  const since = Date.parse(conditions.find(condition => condition.type === 'Ready')?.lastTransitionTime ?? '')
  return Number.isNaN(since) ? '' : formatAge(Date.now() - since)
}
