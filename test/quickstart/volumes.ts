import type { Daemon } from '../support/daemon.ts'
import type { Guest, GuestDisk } from '../support/lab.ts'
import { table } from './table.ts'

/** One line of the closing table. */
export interface VolumeRow {
  readonly volume: string
  readonly serialAsked: string
  /** What the guest's own kernel says; null where the guest has no such disk. */
  readonly serialSeen: string | null
  readonly target: string
  readonly phase: string
  readonly reason: string
  readonly stages: Readonly<Record<string, number>>
}

const STAGES = ['discovered', 'exposed', 'attached', 'reported'] as const

/** What hotplugd says of a volume, beside what the guest says of the same disk. */
export const observe = async (daemon: Daemon, guest: Guest, volume: string, serialAsked: string): Promise<VolumeRow> => {
  const status = await daemon.volume(guest.name, volume)
  if (!status) throw new Error(`hotplugd knows no volume ${volume} of ${guest.name}`)
  const { target, phase = '', reason = '', stages = [] } = status
  const disk = target === '' ? null : await diskAt(guest, target)
  return { volume, serialAsked, serialSeen: disk?.serial ?? null, target, phase, reason, stages: Object.fromEntries(stages.map((stage) => [stage.name, stage.durationMs])) }
}

/** The guest's disk behind libvirt's target: found by its SCSI address, so that its serial can be compared. */
const diskAt = async (guest: Guest, target: string): Promise<GuestDisk | null> => {
  const xml = await guest.host.virsh('dumpxml', guest.name)
  const own = xml.match(/<disk [\s\S]*?<\/disk>/g)?.find((disk) => disk.includes(`dev='${target}' bus=`))
  const unit = own && /<address type='drive'.* unit='(\d+)'/.exec(own)?.[1]
  return (await guest.disks()).find((disk) => disk.address.endsWith(`:${unit}`)) ?? null
}

export const volumeTable = (rows: readonly VolumeRow[]): string =>
  table([['VOLUME', 'SERIAL ASKED', 'SEEN BY GUEST', 'TARGET', 'PHASE', ...STAGES.map((name) => `${name.toUpperCase()} MS`), 'REASON'], ...rows.map(cells)])

const cells = (row: VolumeRow): string[] => [
  row.volume,
  row.serialAsked,
  row.serialSeen ?? '-',
  row.target || '-',
  row.phase,
  ...STAGES.map((name) => row.stages[name]?.toFixed(1) ?? '-'),
  row.reason,
]
