import type { Phase, VmStatus, VolumeStatus } from '../../model/status.ts'

/** What is known of a libvirt. */
export interface LibvirtReach {
  readonly hypervisor: string
  /** It is connected and its domains were read. */
  readonly read: boolean
  readonly why: string
}

interface Told {
  readonly vm: string
  readonly volume: VolumeStatus
}

const PHASES: readonly Phase[] = ['Ready', 'Pending', 'Detaching']
/** Progress, and what the line says of libvirt itself. */
const NOT_TO_NAME: readonly string[] = ['VolumeReady', 'Plugging', 'Detaching', 'VolumeReleased', 'Synchronizing', 'LibvirtUnavailable']

/**
 * The whole node in one line, for a person at night: `12 volumes Ready, 1 Pending (data of default/vm1: SourceMissing);
 * libvirt default connected`. Of what is in trouble the first of each phase is named.
 */
export function statusLine(vms: readonly VmStatus[], libvirts: readonly LibvirtReach[]): string {
  return [volumesIn(vms), ...libvirts.map(reachOf)].join('; ')
}

function volumesIn(vms: readonly VmStatus[]): string {
  const told = vms.flatMap(({ vm, volumes }) => volumes.map((volume): Told => ({ vm, volume })))
  const groups = PHASES.map((phase) => told.filter(({ volume }) => volume.phase === phase)).filter((group) => group.length > 0)
  return groups.length === 0 ? 'no volumes' : groups.map((group, index) => countOf(group, index === 0)).join(', ')
}

function countOf(group: readonly Told[], isFirst: boolean): string {
  const noun = group.length === 1 ? ' volume' : ' volumes'
  return `${group.length}${isFirst ? noun : ''} ${group[0]?.volume.phase}${troubleIn(group)}`
}

function troubleIn(group: readonly Told[]): string {
  const first = group.find(({ volume }) => !NOT_TO_NAME.includes(volume.reason))
  return first === undefined ? '' : ` (${first.volume.name} of ${first.vm}: ${first.volume.reason})`
}

function reachOf({ hypervisor, read, why }: LibvirtReach): string {
  return read ? `libvirt ${hypervisor} connected` : `libvirt ${hypervisor} not connected (${why})`
}
