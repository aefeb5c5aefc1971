import { once } from 'node:events'
import { createServer } from 'node:net'
import { randomInt } from 'node:crypto'

/** Below what the kernel gives to outgoing connections, so that a server can come back to its port. */
const RANGE = [20_000, 32_000] as const

/** A port of the loopback address on which nobody listens. */
export const freePort = async (): Promise<number> => {
  for (;;) {
    const port = randomInt(...RANGE)
    if (await canListen(port)) return port
  }
}

const canListen = async (port: number): Promise<boolean> => {
  const server = createServer()
  try {
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    return true
  } catch {
    return false
  } finally {
    server.close()
  }
}
