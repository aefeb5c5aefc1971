import type { Logger } from 'pino'
import { Agent } from './agent/agent.ts'
import type { AgentApi } from './agent/api.ts'
import { History } from './agent/history.ts'
import { LocalAgent } from './agent/local-agent.ts'
import { NO_REQUESTS } from './agent/no-requests.ts'
import { Requests } from './agent/requests.ts'
import { WatchHub } from './agent/watch-hub.ts'
import type { Config } from './config/config.ts'
import type { LibvirtReach } from './core/status-line.ts'
import type { StepHook } from './failpoint.ts'
import type { Mode, ModeParts } from './modes/mode.ts'
import { HistoryObserver, observers } from './telemetry/history-observer.ts'
import { LogObserver } from './telemetry/log.ts'
import { Metrics } from './telemetry/metrics.ts'

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
  const hook = onStep === undefined ? {} : { onStep }
  return engine(await chosenMode({ config, log, hook }), log)
}

/** A mode is loaded only where it is chosen. */
async function chosenMode(parts: ModeParts): Promise<Mode> {
  if (parts.config.mode === 'standalone') return (await import('./modes/standalone.ts')).standaloneMode(parts)
  return (await import('./modes/kubernetes.ts')).kubernetesMode(parts)
}

function engine(mode: Mode, log: Logger): Composed {
  const { ports, sources, store, hotplugEnabled } = mode
  const hub = new WatchHub()
  const history = new History(ports.clock)
  const metrics = new Metrics()
  const observer = observers([new LogObserver(log), metrics, new HistoryObserver(history)])
  const agent = new Agent({ ports, sources, sinks: [hub, ...mode.sinks], observer, hotplugEnabled, ...(mode.stopUnheldAfterMs === undefined ? {} : { stopUnheldAfterMs: mode.stopUnheldAfterMs }) })
  const requests = store === null ? NO_REQUESTS : new Requests({ agent, ports, store, hotplugEnabled })
  const api = new LocalAgent({ agent, ports, requests, hub, history, readiness: mode })
  const connections = (): readonly LibvirtReach[] => agent.inventory.connections()
  metrics.observe({ vms: () => api.vms(), connections })
  mode.registerMetrics?.(metrics.registry)
  return { agent, metrics, api, connections }
}
