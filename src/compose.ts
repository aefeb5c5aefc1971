import { Agent, type NamedSource } from './agent/agent.ts'
import type { AgentApi } from './agent/api.ts'
import { History } from './agent/history.ts'
import { LocalAgent } from './agent/local-agent.ts'
import type { Ports } from './agent/ports.ts'
import { Requests } from './agent/requests.ts'
import { WatchHub } from './agent/watch-hub.ts'
import { createDomains } from './adapters/libvirt/domains.ts'
import { openJournal } from './adapters/linux/exposure-journal.ts'
import { createExposures } from './adapters/linux/in-place-exposures.ts'
import { createProcesses } from './adapters/linux/processes.ts'
import { createSources } from './adapters/linux/sources.ts'
import { createManifestSource } from './adapters/standalone/manifest-source.ts'
import { openPersistLedger } from './adapters/standalone/persist-ledger.ts'
import { createRequestStore } from './adapters/standalone/request-store.ts'
import { doubtOfState, withDoubt } from './adapters/standalone/state-identity.ts'
import { systemClock } from './adapters/system-clock.ts'
import type { Config } from './config/config.ts'
import type { DesiredSource } from './ports/desired-source.ts'
import type { StepHook } from './failpoint.ts'
import type { Logger } from 'pino'
import { HistoryObserver, observers } from './telemetry/history-observer.ts'
import { LogObserver } from './telemetry/log.ts'
import { Metrics } from './telemetry/metrics.ts'

/** A whole daemon without its servers. */
export interface Composed {
  readonly agent: Agent
  readonly api: AgentApi
  readonly metrics: Metrics
}

/**
 * Builds the engine for the mode that was chosen. The only place where modes differ: a mode is a choice of adapters.
 * Opens state directory and journal, so it is called with the node's lock in hand.
 * @throws HotplugError StateUnwritable, StateFromNewerVersion, JournalUnwritable
 */
export async function compose(config: Config, log: Logger, onStep: StepHook | undefined): Promise<Composed> {
  const hook = onStep === undefined ? {} : { onStep }
  const clock = systemClock
  const hostSources = createSources()
  const store = await createRequestStore({ stateDir: config.stateDir, log })
  const ports: Ports = {
    clock,
    domains: createDomains({ uris: config.libvirtUris, log, clock, callDeadlineMs: config.callDeadlineMs }),
    sources: hostSources,
    exposures: createExposures(hostSources),
    processes: createProcesses(),
    journal: openJournal(config.runDir, hook),
    ledger: await openPersistLedger({ stateDir: config.stateDir, log, ...hook }),
  }
  const manifests = createManifestSource({ directory: config.manifestDir, stateDir: config.stateDir, log, clock })
  const sources = believable({ store, manifests }, await doubtOfState(config.stateDir, config.runDir))
  return engine({ config, log, ports, store, sources })
}

/** With another state directory than before nothing is known of what was asked for, nor of what manifests were read last. */
function believable({ store, manifests }: { store: DesiredSource; manifests: DesiredSource }, doubt: string | null): readonly NamedSource[] {
  if (doubt === null) return [{ origin: 'request', source: store }, { origin: 'manifest', source: manifests }]
  const problem = { vm: null, volume: null, reason: 'StateReplaced', message: doubt }
  return [{ origin: 'request', source: withDoubt(store, [problem]) }, { origin: 'manifest', source: withDoubt(manifests, []) }]
}

interface EngineParts {
  readonly config: Config
  readonly log: Logger
  readonly ports: Ports
  readonly store: Awaited<ReturnType<typeof createRequestStore>>
  readonly sources: readonly NamedSource[]
}

function engine({ config, log, ports, store, sources }: EngineParts): Composed {
  const hub = new WatchHub()
  const history = new History(ports.clock)
  const metrics = new Metrics()
  const observer = observers([new LogObserver(log), metrics, new HistoryObserver(history)])
  const hotplugEnabled = config.hotplug
  const agent = new Agent({ ports, sources, sinks: [hub], observer, hotplugEnabled })
  metrics.observe(agent)
  const requests = new Requests({ agent, ports, store, hotplugEnabled })
  return { agent, metrics, api: new LocalAgent({ agent, ports, requests, hub, history }) }
}
