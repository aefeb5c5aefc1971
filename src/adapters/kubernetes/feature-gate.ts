import { hotplugGate } from '../../core/cluster/vmi-feature-gates.ts'
import { type ObjectNames, readNames } from '../../core/cluster/vmi.ts'
import type { Impediment } from '../../model/desired.ts'
import type { ReflectorCommon } from './node-view.ts'
import { KUBEVIRTS_PATH } from './api/paths.ts'
import { Reflector, type ReflectorState } from './watch/reflector.ts'

/** There is one small object that hardly ever changes: asking for it now and then is less than a watch. */
const POLL_MS = 10_000
/** Where KubeVirt is not installed, or its CR may not be read, it is asked about again this often. */
const REFUSED_MS = 30_000
/** An API server that starts forbids everything for a moment. */
const FORBIDDEN_FOR_CERTAIN = 3

interface KubeVirt extends ObjectNames {
  readonly object: unknown
}

/** The cluster's feature gates, from the KubeVirt CR; the agent's own setting where there is none. */
export class FeatureGate {
  readonly #reflector: Reflector<KubeVirt>
  readonly #ownSetting: boolean

  constructor({ own, onChange, ...common }: ReflectorCommon & { readonly own: boolean; readonly onChange: () => void }) {
    this.#ownSetting = own
    const times = { pollMs: POLL_MS, refusedMs: REFUSED_MS, ...common.times }
    this.#reflector = new Reflector<KubeVirt>({ ...common, times, name: 'kubevirts', path: KUBEVIRTS_PATH, read: readKubeVirt, onChange, onState: onChange })
  }

  start(): void {
    this.#reflector.start()
  }

  close(): Promise<void> {
    return this.#reflector.close()
  }

  /** It was read, or it is known that it cannot be. */
  get isKnown(): boolean {
    const { synced, trouble, failures } = this.#reflector.state()
    return synced || trouble?.reason === 'ApiRefused' || (trouble?.reason === 'ApiForbidden' && failures >= FORBIDDEN_FOR_CERTAIN)
  }

  /** Why nothing may be hot-plugged; null: it may. */
  get impediment(): Impediment | null {
    return hotplugGate([...this.#reflector.store.all()].map(({ object }) => object), this.#ownSetting)
  }

  state(): ReflectorState {
    return this.#reflector.state()
  }
}

function readKubeVirt(object: unknown): KubeVirt | null {
  const names = readNames(object)
  if (names === null) return null
  const { spec, status } = object as { spec?: unknown; status?: unknown }
  return { ...names, object: { spec, status } }
}
