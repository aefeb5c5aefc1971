import { openJournal } from '../adapters/linux/journal/exposure-journal.ts'
import { createLauncherExposures, type LauncherExposures } from '../adapters/linux/pods/launcher-exposures.ts'
import { openLauncherLibvirt, podProcesses } from '../adapters/linux/pods/launcher-libvirt.ts'
import { createPodSources } from '../adapters/linux/pods/pod-sources.ts'
import { createProcesses } from '../adapters/linux/processes.ts'
import { registerRuleMetrics } from '../adapters/linux/pods/rule-metrics.ts'
import { createLauncherDomains } from '../adapters/libvirt/domains.ts'
import { openCluster } from '../adapters/kubernetes/cluster.ts'
import { registerWatchMetrics, registerWriteMetrics } from '../adapters/kubernetes/cluster-metrics.ts'
import type { ReflectorState } from '../adapters/kubernetes/watch/reflector.ts'
import { systemClock } from '../adapters/system-clock.ts'
import { Repeats } from '../core/repeats.ts'
import { HotplugError } from '../errors.ts'
import type { DesiredSource } from '../ports/desired-source.ts'
import type { Journal } from '../ports/journal.ts'
import type { PersistLedger } from '../ports/persist-ledger.ts'
import { credentials, nodeOf, toldWatches } from './cluster-access.ts'
import type { WatchedRole } from './companion.ts'
import type { Mode, ModeParts } from './mode.ts'

/**
 * Guests in the launcher pods of this node; wishes from their VirtualMachineInstances, whose status tells what came of them.
 * @throws HotplugError ConfigInvalid, JournalUnwritable
 */
export async function kubernetesMode({ config, log, hook }: ModeParts, role: WatchedRole): Promise<Mode> {
  const clock = systemClock
  const { kubeletDir, hotplug, callDeadlineMs } = config
  const cluster = openCluster({ credentials: await credentials(config), node: nodeOf(config), hotplug, clock, log })
  const { pods } = cluster
  const states = (): readonly ReflectorState[] => [...cluster.states(), ...role.states()]
  const onRulesRestored = (launcher: string, rules: number): void => log.warn({ launcher, rules }, 'device rules were taken away by others and are there again')
  const unreadable = new Repeats()
  const onRulesUnreadable = (launcher: string, err: unknown): void => {
    const { isSaid, ...again } = unreadable.happened(`${launcher} ${String(err)}`, clock.monotonicMs())
    if (isSaid) log.warn({ launcher, ...again, err }, 'device rules could not be looked after')
  }
  const exposures = createLauncherExposures({ pods, kubeletDir, clock, onRulesRestored, onRulesUnreadable })
  const ports = {
    clock,
    domains: createLauncherDomains({ pods, node: { openSocket: openLauncherLibvirt, processes: podProcesses }, log, clock, callDeadlineMs, keepAliveIntervalS: 5, keepAliveCount: 3 }),
    sources: createPodSources({ pods, kubeletDir }),
    exposures,
    processes: createProcesses(),
    journal: adopting(openJournal(config.runDir, hook), exposures),
    ledger: NO_LEDGER,
  }
  const source = closing(cluster.source, exposures)
  return {
    ports,
    sources: [{ origin: 'vmi', source }],
    sinks: [cluster.sink],
    store: null,
    hotplugEnabled: true, // the cluster's gates decide, volume by volume
    needsEveryLibvirt: false,
    checks: () => [cluster.check()],
    cluster: () => ({ watches: toldWatches(states()), writes: cluster.sink.counts() }),
    registerMetrics(registry) {
      registerWatchMetrics(registry, states)
      registerWriteMetrics(registry, cluster.sink)
      registerRuleMetrics(registry, exposures)
    },
    ...(config.sourceLostPolicy === 'Stop' ? { stopUnheldAfterMs: config.sourceLostGraceMs } : {}),
  }
}

/** Device rules that an earlier run granted are looked after from the start. */
function adopting(journal: Journal, exposures: LauncherExposures): Journal {
  return {
    load() {
      const contents = journal.load()
      for (const { exposure } of contents.records) exposures.adopt(exposure)
      return contents
    },
    append: (record) => journal.append(record),
    forget: (key) => journal.forget(key),
    close: () => journal.close(),
  }
}

function closing(source: DesiredSource, exposures: LauncherExposures): DesiredSource {
  return {
    name: source.name,
    start: (listener) => source.start(listener),
    async close() {
      exposures.close()
      await source.close()
    },
  }
}

/** A new launcher starts from the VMI's spec: nothing is kept in a domain's definition here. */
const NO_LEDGER: PersistLedger = {
  entries: () => [],
  put: () => Promise.reject(new HotplugError('InternalError', 'nothing is persisted in Kubernetes mode')),
  remove: () => Promise.resolve(),
}
