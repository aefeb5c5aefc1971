import type { Socket } from 'node:net'

/** Who is at the other end of a unix socket, as the kernel noted it when they connected. */
export interface Peer {
  readonly pid: number
  readonly uid: number
  readonly gid: number
  /** Supplementary groups. */
  readonly groups: readonly number[]
}

/** Asks the kernel. Throws where it does not tell. */
export type PeerOf = (socket: Socket) => Peer

/** The file descriptor of a connected socket, for `getsockopt`. Node offers it only on its inner handle. */
export function descriptorOf(socket: Socket): number {
  const handle: unknown = Reflect.get(socket, '_handle')
  const fd: unknown = typeof handle === 'object' && handle !== null ? Reflect.get(handle, 'fd') : undefined
  if (typeof fd !== 'number' || fd < 0) throw new Error('the socket is closed')
  return fd
}
