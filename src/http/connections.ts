import type { Server, Socket } from 'node:net'
import type { Limits } from './limits.ts'
import type { Log } from './log.ts'
import type { Peer, PeerOf } from './peer.ts'

const BODY = JSON.stringify({
  kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message: 'too many connections are open', reason: 'TooManyRequests',
  details: { causes: [{ reason: 'TooManyRequests', message: 'too many connections of this user are open' }, { reason: 'Remedy', message: 'End some of them, then try again.' }], retryAfterSeconds: 1 },
  code: 429,
})
const REFUSAL = `HTTP/1.1 429 Too Many Requests\r\nContent-Type: application/json\r\nRetry-After: 1\r\nConnection: close\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`

/** Who is at the other end of each connection; null where the kernel did not say. Asked once, since it cannot change. */
export type Peers = (socket: Socket) => Peer | null

/**
 * Bounds the connections of each user, and of all users but root, so that one cannot keep the others out. One too many is
 * told so and closed.
 */
export function boundUsers(server: Server, peerOf: PeerOf, options: { readonly limits: Limits; readonly log: Log }): Peers {
  const peers = new WeakMap<Socket, Peer | null>()
  const open = new Map<number, number>()
  server.on('connection', (socket: Socket) => {
    const peer = askKernel(socket, peerOf, options.log)
    peers.set(socket, peer)
    const user = peer?.uid ?? -1
    open.set(user, (open.get(user) ?? 0) + 1)
    socket.on('close', () => leave(open, user))
    if (isTooMany(open, user, options.limits)) socket.end(REFUSAL, () => socket.destroy())
  })
  return socket => peers.get(socket) ?? null
}

function leave(open: Map<number, number>, user: number): void {
  const left = (open.get(user) ?? 1) - 1
  if (left === 0) open.delete(user)
  else open.set(user, left)
}

function askKernel(socket: Socket, peerOf: PeerOf, log: Log): Peer | null {
  try {
    return peerOf(socket)
  } catch (err) {
    log.warn({ err }, 'peer credentials unknown')
    return null
  }
}

function isTooMany(open: ReadonlyMap<number, number>, user: number, limits: Limits): boolean {
  const own = open.get(user) ?? 0
  if (user === 0) return own > limits.connectionsOfRoot
  const ofUsers = [...open].reduce((sum, [uid, count]) => (uid === 0 ? sum : sum + count), 0)
  return own > limits.connectionsPerUser || ofUsers > limits.connectionsOfUsers
}

/** Bounds the connections of a listener whose clients have no names: the newest is served, the oldest closed. */
export function boundByAge(server: Server, most: number): void {
  const open = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    open.add(socket)
    socket.on('close', () => open.delete(socket))
    const [oldest] = open
    if (open.size > most) oldest?.destroy()
  })
}
