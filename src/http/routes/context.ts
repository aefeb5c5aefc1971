import type { AgentApi } from '../../agent/api.ts'
import { HotplugError } from '../../errors.ts'
import type { Peers } from '../connections.ts'
import type { Log } from '../log.ts'
import type { Watches } from '../watch/watches.ts'

/** What the routes of the local API work with. */
export interface RouteContext {
  readonly agent: AgentApi
  readonly log: Log
  readonly peers: Peers
  readonly watches: Watches
  /** Throws HotplugError `UnknownNamespace` for one that hotplugd was not given. */
  readonly requireNamespace: (namespace: string) => void
}

export function namespaceCheck(namespaces: readonly string[] | null): (namespace: string) => void {
  return namespace => {
    if (namespaces === null || namespaces.includes(namespace)) return
    throw new HotplugError('UnknownNamespace', `namespace ${JSON.stringify(namespace)} is not known; known: ${namespaces.join(', ')}`)
  }
}
