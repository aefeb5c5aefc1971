import { addon, type PeerCredentials } from './binding.ts'

export type { PeerCredentials }

/**
 * Who connected to a unix socket, as the kernel recorded it then (SO_PEERCRED, SO_PEERGROUPS). Synchronous.
 * Throws a SystemFailure: ENOTSOCK, EBADF, ENOTCONN for what has no peer.
 *
 * @param fd of the socket's handle.
 */
export function peerCredentials(fd: number): PeerCredentials {
  return addon.peerCredentials(fd)
}
