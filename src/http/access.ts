import { HotplugError } from '../errors.ts'
import type { Peer } from './peer.ts'

/** The groups that may do something beside root, by number; null: no group. */
export interface Groups {
  readonly admin: number | null
  readonly socket: number | null
}

/** Null if this peer may read or change; else the refusal. A peer that the kernel did not name may nothing. */
export function accessRefusal(peer: Peer | null, need: 'read' | 'change', groups: Groups): HotplugError | null {
  if (peer === null) return denied('the kernel does not say who is asking', null)
  if (peer.uid === 0 || isMember(peer, groups.admin)) return null
  if (need === 'read') return isMember(peer, groups.socket) ? null : denied(`only root, ${named('socket', groups.socket)} and ${named('admin', groups.admin)} may read`, peer)
  return denied(`only root and ${named('admin', groups.admin)} may change anything`, peer)
}

function isMember(peer: Peer, gid: number | null): boolean {
  return gid !== null && (peer.gid === gid || peer.groups.includes(gid))
}

function named(kind: keyof Groups, gid: number | null): string {
  return `members of --${kind}-group (${gid === null ? 'none is set' : `gid ${gid}`})`
}

function denied(why: string, peer: Peer | null): HotplugError {
  const who = peer === null ? '' : `; uid ${peer.uid} with groups ${[...new Set([peer.gid, ...peer.groups])].join(', ')} is none of these`
  return new HotplugError('AccessDenied', `${why}${who}`)
}
