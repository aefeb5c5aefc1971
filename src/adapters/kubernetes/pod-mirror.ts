import { type PodFacts, readPod } from '../../core/cluster/pod-facts.ts'
import type { ReflectorCommon } from './node-view.ts'
import { Inquiries } from './watch/inquiries.ts'
import { podPath, PODS_PATH } from './api/paths.ts'
import { Reflector, type ReflectorState } from './watch/reflector.ts'

const POD_LABELS = 'kubevirt.io in (virt-launcher,hotplug-disk)'

/**
 * The launcher and attachment pods of a node. Labels select them, and anybody who may change a pod may take its label
 * away: one that leaves the watch stays until the API server has said that it is gone.
 */
export class PodMirror {
  readonly #reflector: Reflector<PodFacts>
  readonly #inquiries: Inquiries<PodFacts>
  readonly #departed = new Map<string, PodFacts>()
  readonly #onChange: () => void

  constructor({ node, onChange, ...common }: ReflectorCommon & { readonly node: string; readonly onChange: () => void }) {
    this.#onChange = onChange
    const query = { labelSelector: POD_LABELS, fieldSelector: `spec.nodeName=${node}` }
    this.#reflector = new Reflector<PodFacts>({
      ...common,
      name: 'pods',
      path: PODS_PATH,
      query,
      read: readPod,
      onState: onChange,
      onChange: (changes) => {
        for (const { kind, object } of changes) if (kind === 'deleted') this.#departed.set(object.uid, object)
        this.#seek()
      },
    })
    this.#inquiries = new Inquiries<PodFacts>({ ...common, what: 'pod', path: podPath, read: readPod, onAnswer: () => this.#seek() })
  }

  start(): void {
    this.#reflector.start()
  }

  async close(): Promise<void> {
    this.#inquiries.close()
    await this.#reflector.close()
  }

  state(): ReflectorState {
    return this.#reflector.state()
  }

  /** Those that are there, and those of which it is not known that they are gone. */
  *all(): Generator<PodFacts> {
    yield* this.#reflector.store.all()
    for (const pod of this.#departed.values()) {
      const answer = this.#inquiries.of(pod.uid)
      yield answer.kind === 'there' ? answer.object : pod
    }
  }

  #seek(): void {
    for (const pod of this.#departed.values()) if (this.#isSettled(pod)) this.#departed.delete(pod.uid)
    this.#inquiries.seek([...this.#departed.values()])
    this.#onChange()
  }

  /** It is back, its name is another pod's by now, or it is gone for certain. */
  #isSettled({ uid, namespace, name }: PodFacts): boolean {
    return this.#reflector.store.byName(namespace, name) !== undefined || this.#inquiries.of(uid).kind === 'gone'
  }
}
