import type { AgentObserver } from '../agent/observer.ts'
import type { Clock } from '../ports/clock.ts'
import type { LauncherViews } from '../ports/launcher-views.ts'
import type { ObservedVmis } from '../ports/observed-vmis.ts'
import type { StatusSink } from '../ports/status-sink.ts'
import type { DomainsReader } from './domains-reader.ts'

/** All that a companion is given: there is nothing among it that could change a VM, a pod or an object. */
export interface CompanionParts {
  readonly vmis: ObservedVmis
  readonly views: LauncherViews
  readonly domains: DomainsReader
  readonly clock: Clock
  readonly observer: AgentObserver
  /** Those of the local API. A sink that writes to the API server has no place here. */
  readonly sinks: readonly StatusSink[]
}
