import type { ServerResponse } from 'node:http'
import type { AgentApi } from '../../agent/api.ts'
import { HotplugError } from '../../errors.ts'
import type { VmStatus } from '../../model/status.ts'
import type { Limits } from '../limits.ts'
import type { Log } from '../log.ts'
import { WatchStream, type View } from './watch-stream.ts'

/** Opens watches, within the bounds. */
export interface Watches {
  /**
   * Streams to `out` until it closes, first all of `present`. `user` is who the watch is counted for.
   * Throws HotplugError `TooManyRequests`.
   */
  open(out: ServerResponse, user: number, view: View, present: () => readonly VmStatus[]): void
}

export function createWatches(agent: AgentApi, limits: Limits, log: Log): Watches {
  const open = new Map<ServerResponse, number>()
  return {
    open(out, user, view, present) {
      const own = [...open.values()].filter(other => other === user).length
      if (own >= limits.watchesPerUser || open.size >= limits.watches) {
        throw new HotplugError('TooManyRequests', `too many watches are open: ${own} of uid ${user}, ${open.size} in all`)
      }
      open.set(out, user)
      const stream = new WatchStream(out, view, { stallMs: limits.watchStallMs, log })
      const unsubscribe = agent.watch((vm, status) => stream.tell(vm, status))
      out.on('close', () => {
        open.delete(out)
        unsubscribe()
      })
      beginStream(out)
      stream.start(present())
    },
  }
}

function beginStream(out: ServerResponse): void {
  // A watch may be silent for days; a watcher that does not read is the stream's own concern.
  out.socket?.setTimeout(0)
  out.writeHead(200, { 'content-type': 'application/json' })
  out.flushHeaders()
}
