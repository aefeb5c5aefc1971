import type { Server, Socket } from 'node:net'

/** Bounds of connections: of those that have shown a session, and of all others. */
export interface VisitorLimits {
  readonly guests: number
  readonly strangers: number
}

export const VISITOR_LIMITS: VisitorLimits = { guests: 64, strangers: 32 }

/**
 * Bounds the connections to a port that every user of the host can reach. Where there are too many, the oldest is cut, and
 * strangers never push out a guest. Returns what makes a stranger's connection a guest's.
 */
export function boundVisitors(server: Server, limits: VisitorLimits): (socket: Socket) => void {
  const [strangers, guests] = [new Set<Socket>(), new Set<Socket>()]
  server.on('connection', (socket: Socket) => {
    socket.on('close', () => strangers.delete(socket) || guests.delete(socket))
    enter(strangers, socket, limits.strangers)
  })
  return socket => {
    if (strangers.delete(socket)) enter(guests, socket, limits.guests)
  }
}

function enter(room: Set<Socket>, socket: Socket, most: number): void {
  room.add(socket)
  const [oldest] = room
  if (room.size > most) oldest?.destroy()
}
