import type { DesiredSource } from '../../ports/desired-source.ts'
import type { Pods } from '../../ports/pods.ts'
import { ApiClient } from './api/api-client.ts'
import type { Credentials } from './api/credentials.ts'
import { NodeView, type NodeViewOptions } from './node-view.ts'
import { createPods } from './proven-pods.ts'
import type { ReflectorState } from './watch/reflector.ts'
import { createVmiSource } from './vmi-source.ts'
import { createVmiStatusSink, type VmiStatusSink, type VmiStatusSinkOptions } from './status/vmi-status-sink.ts'

export interface ClusterOptions extends Omit<NodeViewOptions, 'client'>, Pick<VmiStatusSinkOptions, 'silenceMs'> {
  readonly credentials: Credentials
  /** Within this the API server must answer. @default 10000 */
  readonly timeoutMs?: number
}

/** What the engine has of a cluster. */
export interface Cluster {
  /** Starting it starts the watches; closing it closes everything. */
  readonly source: DesiredSource
  readonly sink: VmiStatusSink
  readonly pods: Pods
  readonly view: NodeView
  readonly client: ApiClient
  /** For readiness. */
  check(): ClusterCheck
  /** For metrics: one per watch. */
  states(): readonly ReflectorState[]
}

/** Ready once VMIs, pods and gates were read whole; an API server that goes away later is a warning: what is known goes on. */
export interface ClusterCheck {
  readonly name: 'api-server'
  readonly ok: boolean
  readonly message: string
  readonly warnings: readonly string[]
}

/** Everything that comes from and goes to the API server of a cluster, for one node. Connects to nothing before it is started. */
export function openCluster(options: ClusterOptions): Cluster {
  const { credentials, clock, log, timeoutMs, silenceMs } = options
  const client = new ApiClient({ credentials, clock, ...(timeoutMs !== undefined && { timeoutMs }) })
  const view = new NodeView({ ...options, client })
  const pods = createPods(view)
  const wishes = createVmiSource(view)
  const sink = createVmiStatusSink({ view, client, clock, log, ...(silenceMs !== undefined && { silenceMs }) })
  const source: DesiredSource = {
    name: wishes.name,
    start(listener) {
      view.start()
      return wishes.start(listener)
    },
    async close() {
      sink.close()
      await Promise.all([wishes.close(), view.close()])
      client.close()
    },
  }
  return { source, sink, pods, view, client, check: () => checkOf(view), states: () => view.states() }
}

function checkOf(view: NodeView): ClusterCheck {
  const states = view.states()
  const missing = states.filter(({ synced, name }) => !synced && !(name === 'kubevirts' && view.gate.isKnown))
  const troubles = states.flatMap(({ name, trouble, ageMs }) => (trouble === null ? [] : [`${name}: ${trouble.message} (last heard of ${Math.round(ageMs / 1_000)} s ago)`]))
  const message = missing.length === 0 ? 'read' : `${missing.map(({ name }) => name).join(', ')} not read yet${troubles.length === 0 ? '' : `: ${troubles.join('; ')}`}`
  return { name: 'api-server', ok: view.isSynced, message, warnings: view.isSynced ? troubles : [] }
}
