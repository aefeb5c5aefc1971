import type { FastifyInstance } from 'fastify'
import type { AgentApi } from '../agent/api.ts'
import { accessRefusal, type Groups } from './access.ts'
import { boundUsers } from './connections.ts'
import { LIMITS, type Limits } from './limits.ts'
import type { Diagnostics } from './diagnostics.ts'
import type { Log } from './log.ts'
import { catalogueOf } from './openapi/catalogue.ts'
import type { PeerOf } from './peer.ts'
import { refusal } from './objects/refusal.ts'
import { debugRoutes } from './routes/debug.ts'
import { namespaceCheck, type RouteContext } from './routes/context.ts'
import { historyRoute } from './routes/history.ts'
import { pageRoutes } from './routes/page.ts'
import { probeRoutes, type MetricsRegistry } from './routes/probes.ts'
import { subresourceRoutes } from './routes/subresources.ts'
import { versionRoutes } from './routes/version.ts'
import { vmiRoutes } from './routes/vmis.ts'
import { volumeRoutes } from './routes/volumes.ts'
import { createServer, sendStatus } from './server.ts'
import { listenAt } from './unix-socket.ts'
import { createWatches } from './watch/watches.ts'

export interface LocalApiOptions {
  readonly agent: AgentApi
  readonly log: Log
  readonly registry: MetricsRegistry
  /** Path of the unix socket; its directory exists. */
  readonly socket: string
  /** Groups that may do something beside root. The socket file belongs to `socket`, or to `admin` if that is null. */
  readonly groups: Groups
  /** The only ones; null: whichever a VM is in. */
  readonly namespaces: readonly string[] | null
  readonly version: string
  readonly peerOf: PeerOf
  readonly diagnostics: Diagnostics
  readonly limits?: Partial<Limits>
}

/** A server that runs. */
export interface RunningServer {
  /** Where it listens: path, or `HOST:PORT`. */
  readonly address: string
  /** Cuts every connection and returns when nothing is left. */
  close(): Promise<void>
}

/** Starts the node-local API. Throws HotplugError `NodeLocked` or `ConfigInvalid` if it cannot listen. */
export async function createLocalApi(options: LocalApiOptions): Promise<RunningServer> {
  const limits = { ...LIMITS, ...options.limits }
  const app = createServer(limits, options.log)
  const peers = boundUsers(app.server, options.peerOf, { limits, log: options.log })
  const watches = createWatches(options.agent, limits, options.log)
  addRoutes(app, options, { ...options, peers, watches, requireNamespace: namespaceCheck(options.namespaces) })
  const remove = await listenAt(app, options.socket, options.groups.socket ?? options.groups.admin)
  const close = async (): Promise<void> => {
    await remove()
    await app.close()
  }
  return { address: options.socket, close }
}

/** Makes every route of the local API, each with who may use it and what it is for. */
export function addRoutes(app: FastifyInstance, options: Pick<LocalApiOptions, 'agent' | 'diagnostics' | 'groups' | 'log' | 'registry' | 'version'>, context: RouteContext): void {
  app.addHook('onRequest', (request, reply, done) => {
    const need = request.method === 'GET' ? 'read' : 'change'
    const denied = accessRefusal(context.peers(request.socket), need, options.groups)
    if (denied === null) return done()
    options.log.warn({ reason: denied.reason, why: denied.message, url: request.url }, 'request refused')
    sendStatus(reply, refusal(denied))
  })
  // Before the catalogue: files are no operations.
  pageRoutes(app)
  const catalogue = catalogueOf(app)
  subresourceRoutes(app, context)
  vmiRoutes(app, context)
  volumeRoutes(app, context)
  probeRoutes(app, { agent: options.agent, registry: options.registry, askers: 'readers' })
  debugRoutes(app, context, { diagnostics: options.diagnostics, catalogue })
  historyRoute(app, context)
  versionRoutes(app, options.version, catalogue)
}
