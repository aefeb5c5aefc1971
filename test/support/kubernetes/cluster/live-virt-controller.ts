import { setTimeout as sleep } from 'node:timers/promises'
import type { Teardown } from '../../libvirt-host.ts'
import type { Launcher } from '../launcher/start-launcher.ts'
import type { Made } from '../objects/kube-object.ts'
import type { AttachedClaim, Pod } from '../objects/pods.ts'
import type { Vmi, VmiVolumeSource, VolumeMode, VolumeStatusEntry } from '../objects/vmi.ts'
import { VirtController } from '../virt-controller.ts'
import { createAttachmentPod } from './attachment.ts'
import type { Cluster } from './cluster.ts'

const EVERY_MS = 50

/** One look at the VMI and its attachment pods. */
interface View {
  readonly vmi: Made<Vmi>
  readonly wanted: readonly VmiVolumeSource[]
  readonly entries: readonly VolumeStatusEntry[]
  readonly pods: readonly Made<Pod>[]
  /** The pod that has exactly what is wanted. */
  readonly current: Made<Pod> | undefined
}

/**
 * Does by itself, until the test ends, what virt-controller does for one VMI: one attachment pod for the whole set of hot-plugged
 * volumes, a new one whenever the set changes, entries up to AttachedToNode, and their end after UnMountedFromPod.
 */
export class LiveVirtController extends VirtController {
  readonly #cluster: Cluster
  readonly #launcher: Launcher
  readonly #running: Promise<void>
  #ended = false
  /** Like the real one it tries again whatever went wrong. */
  lastError = ''

  constructor(cluster: Cluster, launcher: Launcher, t: Teardown) {
    super(cluster.server, launcher.vmi)
    this.#cluster = cluster
    this.#launcher = launcher
    this.#running = this.#run()
    t.teardown(() => this.end())
  }

  /** From here on nothing is done by itself. */
  end(): Promise<void> {
    this.#ended = true
    return this.#running
  }

  async #run(): Promise<void> {
    while (!this.#ended) {
      await this.#look().catch((error: unknown) => (this.lastError = String(error)))
      await sleep(EVERY_MS)
    }
  }

  async #look(): Promise<void> {
    const view = await this.#view()
    if (view.wanted.length > 0 && !view.current) return this.#replace(view)
    await this.#announce(view)
    await this.#forget(view)
  }

  async #view(): Promise<View> {
    const vmi = await this.vmi()
    const wanted = vmi.spec.volumes.flatMap(hotplugged)
    const all = await this.#cluster.server.list<Pod>('v1', 'Pod', vmi.metadata.namespace, 'labelSelector=kubevirt.io=hotplug-disk')
    const owner = this.#launcher.pod.metadata.uid
    const pods = all.filter(({ metadata }) => metadata.deletionTimestamp === undefined && metadata.ownerReferences?.[0]?.uid === owner)
    return { vmi, wanted, pods, entries: vmi.status?.volumeStatus ?? [], current: pods.find((pod) => hasExactly(pod, wanted)) }
  }

  /** The set has changed: a whole new pod, and every entry names it. */
  async #replace({ vmi, wanted, entries }: View): Promise<void> {
    const claims = await Promise.all(wanted.map((source) => this.#claim(vmi, source, entries)))
    const pod = await createAttachmentPod(this.#cluster, this.#launcher.pod, claims)
    await this.replaced(pod.metadata.name)
    for (const { volume, claim, mode } of claims) {
      if (!isExposed(entries.find(({ name }) => name === volume))) await this.attachedToNode(volume, { name: pod.metadata.name }, { name: claim.metadata.name, mode })
    }
  }

  async #claim({ metadata: { namespace } }: Made<Vmi>, { name, claim: claimName }: VmiVolumeSource, entries: readonly VolumeStatusEntry[]): Promise<AttachedClaim> {
    const claim = await this.#cluster.server.get({ apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: claimName, namespace } })
    const { volumeMode } = claim['spec'] as { volumeMode: VolumeMode }
    return { volume: name, claim, mode: volumeMode, mounted: !isExposed(entries.find((entry) => entry.name === name)) }
  }

  /** The pod's UID stands in the entries only once it is ready. */
  async #announce({ current, entries }: View): Promise<void> {
    if (!current || !isReady(current)) return
    const { name, uid } = current.metadata
    const told = entries.every(({ hotplugVolume }) => hotplugVolume?.attachPodName !== name || hotplugVolume.attachPodUID === uid)
    if (!told) await this.ready({ name, uid })
  }

  /** Old pods go when the new one runs and no volume that left the spec is exposed any more; then the entries of those volumes. */
  async #forget({ wanted, entries, pods, current }: View): Promise<void> {
    const left = entries.filter(({ name, hotplugVolume }) => hotplugVolume && !wanted.some((source) => source.name === name))
    if (left.some(isExposed) || (wanted.length > 0 && !(current && isReady(current)))) return
    for (const pod of pods.filter((one) => one !== current)) await this.#cluster.server.delete(pod)
    for (const { name } of left) await this.detaching(name).then(() => this.drop(name))
  }
}

const hotplugged = (volume: object): VmiVolumeSource[] => {
  const { name, persistentVolumeClaim, dataVolume } = volume as { name: string; persistentVolumeClaim?: { claimName: string; hotpluggable?: boolean }; dataVolume?: { name: string; hotpluggable?: boolean } }
  if (persistentVolumeClaim?.hotpluggable) return [{ name, claim: persistentVolumeClaim.claimName }]
  return dataVolume?.hotpluggable ? [{ name, claim: dataVolume.name }] : []
}

const hasExactly = (pod: Pod, wanted: readonly VmiVolumeSource[]): boolean => {
  const volumes = (pod.spec['volumes'] as { name: string; persistentVolumeClaim?: object }[]).filter((volume) => volume.persistentVolumeClaim)
  return volumes.length === wanted.length && wanted.every(({ name }) => volumes.some((volume) => volume.name === name))
}

const isReady = (pod: Pod): boolean => {
  const { conditions = [] } = pod['status'] as { conditions?: { type: string; status: string }[] }
  return conditions.some(({ type, status }) => type === 'Ready' && status === 'True')
}

const isExposed = (entry: VolumeStatusEntry | undefined): boolean => entry?.phase === 'MountedToPod' || entry?.phase === 'Ready'
