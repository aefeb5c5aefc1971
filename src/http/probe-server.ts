import type { AgentApi } from '../agent/api.ts'
import { HotplugError } from '../errors.ts'
import { boundByAge } from './connections.ts'
import { LIMITS, type Limits } from './limits.ts'
import type { RunningServer } from './local-api.ts'
import type { Log } from './log.ts'
import { probeRoutes, type MetricsRegistry } from './routes/probes.ts'
import { createServer } from './server.ts'

export interface ProbeServerOptions {
  readonly agent: AgentApi
  readonly log: Log
  readonly registry: MetricsRegistry
  readonly listen: { readonly host: string; readonly port: number }
  readonly limits?: Partial<Limits>
}

/** Starts the TCP listener: probes and metrics, nothing else. Throws HotplugError `ConfigInvalid` if it cannot listen. */
export async function createProbeServer(options: ProbeServerOptions): Promise<RunningServer> {
  const limits = { ...LIMITS, ...options.limits }
  const app = createServer(limits, options.log)
  boundByAge(app.server, limits.connectionsOfProbes)
  probeRoutes(app, { agent: options.agent, registry: options.registry, askers: 'anybody' })
  const { host, port } = options.listen
  const address = await app.listen({ host, port }).catch(async error => {
    await app.close()
    throw new HotplugError('ConfigInvalid', `cannot listen on ${host}:${port}: ${error instanceof Error ? error.message : String(error)}`, { remedy: 'Choose another --listen, or none.', cause: error })
  })
  return { address: address.replace(/^http:\/\//, ''), close: () => app.close() }
}
