import type { Clock } from '../ports/clock.ts'
import type { Domains } from '../ports/domains.ts'
import type { Exposures, Processes, Sources } from '../ports/host.ts'
import type { Journal } from '../ports/journal.ts'
import type { PersistLedger } from '../ports/persist-ledger.ts'

/** Everything the engine acts through. A mode is one choice of these. */
export interface Ports {
  readonly clock: Clock
  readonly domains: Domains
  readonly sources: Sources
  readonly exposures: Exposures
  readonly processes: Processes
  readonly journal: Journal
  readonly ledger: PersistLedger
}
