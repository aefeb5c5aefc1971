import { connect } from 'node:net'
import { peerCredentials } from '../adapters/linux/peer-credentials.ts'
import { descriptorOf } from '../http/peer.ts'

/** The process that listens at a socket, as it is called here; 0 where it cannot be found out. */
export function listenerOf(socketPath: string): Promise<number> {
  return new Promise((resolve) => {
    const socket = connect(socketPath, () => {
      resolve(pidBehind(() => peerCredentials(descriptorOf(socket)).pid))
      socket.destroy()
    })
    socket.on('error', () => resolve(0))
  })
}

function pidBehind(ask: () => number): number {
  try {
    return ask()
  } catch {
    return 0
  }
}
