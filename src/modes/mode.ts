import type { Logger } from 'pino'
import type { Registry } from 'prom-client'
import type { NamedSource } from '../agent/agent.ts'
import type { RequestStore } from '../agent/api.ts'
import type { ReadinessRules } from '../agent/local-agent.ts'
import type { Ports } from '../agent/ports.ts'
import type { Config } from '../config/config.ts'
import type { StepHook } from '../failpoint.ts'
import type { StatusSink } from '../ports/status-sink.ts'

/** What a mode is made from. */
export interface ModeParts {
  readonly config: Config
  readonly log: Logger
  /** Is told each journalled step, for failpoints. */
  readonly hook: { readonly onStep?: StepHook }
}

/** One choice of adapters under the engine. */
export interface Mode extends ReadinessRules {
  readonly ports: Ports
  /** In order of precedence. */
  readonly sources: readonly NamedSource[]
  readonly sinks: readonly StatusSink[]
  /** Shuts a VM down that was without the guarantee of a source for this long; absent: it is only told. */
  readonly stopUnheldAfterMs?: number
  /** The feature gate, as far as it is the engine's own matter. */
  readonly hotplugEnabled: boolean
  /** Adds what only this mode has to tell. */
  registerMetrics?(registry: Registry): void
  /** Where requests to the local API are kept; null: this mode takes none. */
  readonly store: RequestStore | null
}
