import { openLauncherLibvirt, podProcesses } from '../adapters/linux/pods/launcher-libvirt.ts'
import { createLauncherViews } from '../adapters/linux/pods/launcher-views.ts'
import { createLauncherDomains } from '../adapters/libvirt/domains.ts'
import { ApiClient, readingApi } from '../adapters/kubernetes/api/api-client.ts'
import { registerWatchMetrics } from '../adapters/kubernetes/cluster-metrics.ts'
import { NodeView } from '../adapters/kubernetes/node-view.ts'
import { createObservedVmis } from '../adapters/kubernetes/observed-vmis.ts'
import { createPods } from '../adapters/kubernetes/proven-pods.ts'
import { RoleWatch } from '../adapters/kubernetes/role-watch.ts'
import type { ReflectorState } from '../adapters/kubernetes/watch/reflector.ts'
import { systemClock as clock } from '../adapters/system-clock.ts'
import type { History } from '../agent/history.ts'
import type { AgentObserver } from '../agent/observer.ts'
import { WatchHub } from '../agent/watch-hub.ts'
import { Companion } from '../companion/companion.ts'
import { CompanionApi } from '../companion/companion-api.ts'
import { readingOnly } from '../companion/domains-reader.ts'
import type { RoleSource } from '../ports/role-source.ts'
import type { RoleRun } from '../roles.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import { credentials, nodeOf, toldWatches } from './cluster-access.ts'
import type { ModeParts } from './mode.ts'

/** Who is told what happens; the same for every role. */
export interface Told {
  readonly observer: AgentObserver
  readonly history: History
  readonly metrics: Metrics
}

/** The role, and what there is to be told of the watch that finds it out. */
export type WatchedRole = RoleSource & Pick<RoleWatch, 'states'>

/** Finds out hotplugd's role on this node, with a connection of its own. @throws HotplugError ConfigInvalid */
export async function watchRole({ config, log }: ModeParts): Promise<WatchedRole> {
  const client = new ApiClient({ credentials: await credentials(config), clock })
  const watch = new RoleWatch({ asked: config.role, node: nodeOf(config), namespace: config.kubevirtNamespace, client: readingApi(client), clock, log })
  return {
    get verdict() {
      return watch.verdict
    },
    states: () => watch.states(),
    start: (listener) => watch.start(listener),
    async close() {
      await watch.close()
      client.close()
    },
  }
}

/**
 * hotplugd beside KubeVirt's virt-handler: sees the VMIs and pods of this node, their libvirts and launchers, through ports
 * that can change nothing. Opens no journal. @throws HotplugError ConfigInvalid
 */
export async function beginCompanion({ config, log }: ModeParts, role: WatchedRole, { observer, history, metrics }: Told): Promise<RoleRun> {
  const { kubeletDir, hotplug, callDeadlineMs } = config
  const client = new ApiClient({ credentials: await credentials(config), clock })
  const view = new NodeView({ client: readingApi(client), clock, log, node: nodeOf(config), hotplug })
  const [pods, vmis, hub] = [createPods(view), createObservedVmis(view), new WatchHub()]
  const domains = createLauncherDomains({ pods, node: { openSocket: openLauncherLibvirt, processes: podProcesses }, log, clock, callDeadlineMs, keepAliveIntervalS: 5, keepAliveCount: 3 })
  const states = (): readonly ReflectorState[] => [...view.states(), ...role.states()]
  const views = createLauncherViews({ kubeletDir, processes: podProcesses })
  const companion = new Companion({ vmis, views, clock, observer, sinks: [hub], domains: readingOnly(domains) })
  metrics.exchange((registry) => registerWatchMetrics(registry, states))
  companion.start()
  view.start()
  return {
    api: new CompanionApi({ companion, vmis, hub, history, cluster: () => ({ watches: toldWatches(states()) }) }),
    connections: () => companion.connections(),
    async stop() {
      await companion.stop()
      await view.close()
      client.close()
    },
  }
}
