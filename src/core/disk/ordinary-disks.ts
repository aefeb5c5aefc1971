import type { LiveDisk } from '../../model/disk.ts'
import type { VolumeStatus } from '../../model/status.ts'

/** The status entries of the disks that no volume of ours stands for: name, target, and where they come from. */
export function ordinaryDisks(disks: readonly LiveDisk[], ownAliases: ReadonlySet<string>): VolumeStatus[] {
  return disks.filter((disk) => disk.alias === null || !ownAliases.has(disk.alias)).map(entry)
}

/** The name under which a disk is listed: its alias as a user gave it, else its target. */
export function diskName(disk: LiveDisk): string {
  return disk.alias?.startsWith('ua-') ? disk.alias.slice('ua-'.length) : disk.target
}

function entry(disk: LiveDisk): VolumeStatus {
  return {
    name: diskName(disk),
    target: disk.target,
    serial: disk.serial,
    hotplugged: false,
    phase: null,
    reason: '',
    message: '',
    conditions: [],
    stages: [],
    source: disk.source,
    sizeBytes: null,
    origin: null,
    persisted: false,
  }
}
