import type { Server, Socket } from 'node:net'

/** Bounds of connections: of those that have shown a session, and of all others. */
export interface VisitorLimits {
  readonly guests: number
  readonly strangers: number
  /** So long without a guest, and the port counts as forgotten. */
  readonly idleMs: number
}

export const VISITOR_LIMITS: VisitorLimits = { guests: 64, strangers: 32, idleMs: 3_600_000 }

/** Who is at a port that every user of the host can reach. */
export interface Visitors {
  /** A stranger's connection has shown the session. */
  admit(socket: Socket): void
  /** Resolves when there was no guest for so long that nobody will come any more. */
  readonly forgotten: Promise<void>
}

/** Bounds the connections: where there are too many, the oldest is cut, and strangers never push out a guest. */
export function boundVisitors(server: Server, limits: VisitorLimits): Visitors {
  const [strangers, guests] = [new Set<Socket>(), new Set<Socket>()]
  const { promise: forgotten, resolve } = Promise.withResolvers<void>()
  let wait = setTimeout(resolve, limits.idleMs).unref()
  const leave = (socket: Socket): void => {
    strangers.delete(socket)
    if (guests.delete(socket) && guests.size === 0) wait = setTimeout(resolve, limits.idleMs).unref()
  }
  server.on('connection', (socket: Socket) => {
    socket.on('close', () => leave(socket))
    enter(strangers, socket, limits.strangers)
  })
  const admit = (socket: Socket): void => {
    if (!strangers.delete(socket)) return
    clearTimeout(wait)
    enter(guests, socket, limits.guests)
  }
  return { admit, forgotten }
}

function enter(room: Set<Socket>, socket: Socket, most: number): void {
  room.add(socket)
  const [oldest] = room
  if (room.size > most) oldest?.destroy()
}
