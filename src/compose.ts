import type { Logger } from 'pino'
import { systemClock } from './adapters/system-clock.ts'
import { Agent } from './agent/agent.ts'
import type { AgentApi } from './agent/api.ts'
import { History } from './agent/history.ts'
import { LocalAgent } from './agent/local-agent.ts'
import { NO_REQUESTS } from './agent/no-requests.ts'
import type { AgentObserver } from './agent/observer.ts'
import { Requests } from './agent/requests.ts'
import { WatchHub } from './agent/watch-hub.ts'
import type { Config } from './config/config.ts'
import type { LibvirtReach } from './core/volume/status-line.ts'
import type { StepHook } from './failpoint.ts'
import type { Mode, ModeParts } from './modes/mode.ts'
import { type RoleRun, Roles } from './roles.ts'
import { HistoryObserver, observers } from './telemetry/history-observer.ts'
import { LogObserver } from './telemetry/log.ts'
import { registerGauges } from './telemetry/gauges.ts'
import { Metrics } from './telemetry/metrics.ts'
import { VERSION } from './version.ts'

/** A whole daemon without its servers. */
export interface Composed {
  readonly agent: Pick<Agent, 'start' | 'stop'>
  readonly api: AgentApi
  readonly metrics: Metrics
  /** Each libvirt of this node, and what is known of it. */
  readonly connections: () => readonly LibvirtReach[]
}

/**
 * Builds the engine for the mode that was chosen: a choice of adapters, and the only place where modes differ.
 * Opens state directory and journal, so it is called with the node's lock in hand.
 * @throws HotplugError StateUnwritable, StateFromNewerVersion, JournalUnwritable, ConfigInvalid
 */
export async function compose(config: Config, log: Logger, onStep: StepHook | undefined): Promise<Composed> {
  const parts: ModeParts = { config, log, hook: onStep === undefined ? {} : { onStep } }
  return config.mode === 'standalone' ? alone(parts) : inRoles(parts)
}

/** What is told of whatever runs, be it one engine or one role after the other. */
interface Telemetry {
  readonly metrics: Metrics
  readonly history: History
  readonly observer: AgentObserver
}

function telemetry(log: Logger): Telemetry {
  const [metrics, history] = [new Metrics(), new History(systemClock)]
  return { metrics, history, observer: observers([new LogObserver(log), metrics, new HistoryObserver(history)]) }
}

/** A mode is loaded only where it is chosen. */
async function alone(parts: ModeParts): Promise<Composed> {
  const { standaloneMode } = await import('./modes/standalone.ts')
  const told = telemetry(parts.log)
  const { agent, api, connections } = engine(await standaloneMode(parts), told)
  registerGauges(told.metrics.registry, { vms: () => api.vms(), connections, readiness: () => api.readiness(), role: () => 'standalone' }, VERSION)
  return { agent, api, connections, metrics: told.metrics }
}

/** The engine where nobody else does the hotplug job, and only a view of it where KubeVirt's virt-handler does. */
async function inRoles(parts: ModeParts): Promise<Composed> {
  const [{ kubernetesMode }, { beginCompanion, watchRole }] = await Promise.all([import('./modes/kubernetes.ts'), import('./modes/companion.ts')])
  const told = telemetry(parts.log)
  const source = await watchRole(parts)
  const roles: Roles = new Roles({
    source,
    clock: systemClock,
    observer: told.observer,
    begin: {
      agent: async () => begun(engine(await kubernetesMode(parts, source), told)),
      companion: () => beginCompanion(parts, source, told),
    },
  })
  const connections = (): readonly LibvirtReach[] => roles.connections()
  registerGauges(told.metrics.registry, { vms: () => roles.vms(), connections, readiness: () => roles.readiness(), role: () => roles.role ?? 'none' }, VERSION)
  return { agent: roles, api: roles, connections, metrics: told.metrics }
}

async function begun({ agent, api, connections }: Engine): Promise<RoleRun> {
  try {
    await agent.start()
  } catch (thrown) {
    await agent.stop()
    throw thrown
  }
  return { api, connections, stop: () => agent.stop() }
}

interface Engine {
  readonly agent: Agent
  readonly api: AgentApi
  readonly connections: () => readonly LibvirtReach[]
}

function engine(mode: Mode, { observer, history, metrics }: Telemetry): Engine {
  const { ports, sources, store, hotplugEnabled } = mode
  const hub = new WatchHub()
  const agent = new Agent({ ports, sources, sinks: [hub, ...mode.sinks], observer, hotplugEnabled, ...(mode.stopUnheldAfterMs === undefined ? {} : { stopUnheldAfterMs: mode.stopUnheldAfterMs }) })
  const requests = store === null ? NO_REQUESTS : new Requests({ agent, ports, store, hotplugEnabled })
  const api = new LocalAgent({ agent, ports, requests, hub, history, sinks: mode.sinks, readiness: mode })
  metrics.exchange((registry) => mode.registerMetrics?.(registry))
  return { agent, api, connections: () => agent.inventory.connections() }
}
