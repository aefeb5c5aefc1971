import { attachmentsFor, provenAttachment, provenLauncher } from '../../core/cluster/vmi-pods.ts'
import type { VmKey } from '../../model/ids.ts'
import type { AttachmentPod, LauncherPod } from '../../model/pods.ts'
import type { Pods } from '../../ports/pods.ts'
import type { NodeView } from './node-view.ts'

/** The pods of this node that are proven to belong to its VMIs, as the API server tells them. */
export function createPods(view: NodeView): Pods {
  return new ProvenPods(view)
}

class ProvenPods implements Pods {
  readonly #view: NodeView
  readonly #listeners = new Set<(vm: VmKey | null) => void>()
  /** Launchers as they were told last; null before the first complete list. */
  #told: ReadonlyMap<VmKey, LauncherPod> | null = null

  constructor(view: NodeView) {
    this.#view = view
    view.watch(() => this.#compare())
  }

  launcher(vm: VmKey): LauncherPod | null {
    const known = this.#view.get(vm)
    return known === null || known.launcher === null ? null : provenLauncher(known.launcher, known.vmi)
  }

  attachments(vm: VmKey, volume: string): readonly AttachmentPod[] {
    const known = this.#view.get(vm)
    if (known === null || known.launcher === null) return []
    const wanted = { vmi: known.vmi, volume }
    return attachmentsFor(this.#view.podsOf(known.launcher), known.launcher, wanted).map((pod) => provenAttachment(pod, wanted))
  }

  vms(): readonly VmKey[] | null {
    return this.#view.isSynced ? [...this.#launchers().keys()] : null
  }

  watch(listener: (vm: VmKey | null) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #launchers(): Map<VmKey, LauncherPod> {
    return new Map([...this.#view.all()].flatMap(({ vm }) => {
      const launcher = this.launcher(vm)
      return launcher === null ? [] : [[vm, launcher] as const]
    }))
  }

  #compare(): void {
    if (!this.#view.isSynced) return
    const [before, now] = [this.#told, this.#launchers()]
    this.#told = now
    if (before === null) return this.#tell(null)
    for (const vm of new Set([...before.keys(), ...now.keys()])) if (!isSame(before.get(vm), now.get(vm))) this.#tell(vm)
  }

  #tell(vm: VmKey | null): void {
    for (const listener of this.#listeners) listener(vm)
  }
}

function isSame(a: LauncherPod | undefined, b: LauncherPod | undefined): boolean {
  return a?.uid === b?.uid && a?.vmiUid === b?.vmiUid && a?.terminating === b?.terminating
}
