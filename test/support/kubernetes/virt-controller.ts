import { isDeepStrictEqual } from 'node:util'
import { ApiError, type ApiClient } from './server/api-client.ts'
import type { Made } from './objects/kube-object.ts'
import { claimInfo, type ClaimShape } from './objects/claims.ts'
import { vmiDisk, vmiVolume, type Vmi, type VmiVolume, type VolumeStatusEntry } from './objects/vmi.ts'

/** The pod that an entry names; its UID is known once it is ready. */
interface Attachment {
  readonly name: string
  readonly uid?: string
}

type Change = (entry: VolumeStatusEntry) => Partial<VolumeStatusEntry>

/**
 * Plays virt-controller for one VMI: writes its spec as a user's request would, and `status.volumeStatus` in the phases, words
 * and order of the real one. It writes whole objects like the real one, again when somebody else was faster.
 */
export class VirtController {
  readonly #server: ApiClient
  readonly #vmi: Vmi

  constructor(server: ApiClient, vmi: Vmi) {
    this.#server = server
    this.#vmi = vmi
  }

  /** The object as it is now. */
  vmi(): Promise<Made<Vmi>> {
    return this.#server.get<Vmi>(this.#vmi)
  }

  /** Undefined: there is none. */
  async entry(volume: string): Promise<VolumeStatusEntry | undefined> {
    return (await this.vmi()).status?.volumeStatus.find(({ name }) => name === volume)
  }

  /** The spec gains volumes and their disks. */
  plug(...volumes: readonly VmiVolume[]): Promise<void> {
    return this.#change((vmi) => withSpec(vmi, [...vmi.spec.volumes, ...volumes.map(vmiVolume)], [...vmi.spec.domain.devices.disks, ...volumes.map(vmiDisk)]))
  }

  /** The spec loses them; their entries stay. */
  unplug(...volumes: readonly string[]): Promise<void> {
    const others = (list: readonly object[]): object[] => list.filter((one) => !volumes.includes((one as { name: string }).name))
    return this.#change((vmi) => withSpec(vmi, others(vmi.spec.volumes), others(vmi.spec.domain.devices.disks)))
  }

  /** First entry: the claim is not there or not bound yet. */
  pending(volume: string, message = 'PVC is in phase Pending', reason = 'PVCNotReady'): Promise<void> {
    return this.#write(volume, () => ({ phase: 'Pending', reason, message, hotplugVolume: {} }))
  }

  bound(claim: ClaimShape, volume = claim.name): Promise<void> {
    return this.#write(volume, () => ({ phase: 'Bound', reason: 'PVCNotReady', message: 'PVC is in phase Bound', hotplugVolume: {}, persistentVolumeClaimInfo: claimInfo(claim) }))
  }

  /** The attachment pod was made; `uid` once it is ready. A volume that got further keeps its phase, reason and message. */
  attachedToNode(volume: string, pod: Attachment, claim?: ClaimShape): Promise<void> {
    return this.#write(volume, ({ phase }) => ({
      hotplugVolume: { attachPodName: pod.name, ...(pod.uid !== undefined && { attachPodUID: pod.uid }) },
      ...(claim && { persistentVolumeClaimInfo: claimInfo(claim) }),
      ...(!isExposed(phase) && { phase: 'AttachedToNode', reason: 'SuccessfulCreate', message: `Created hotplug attachment pod ${pod.name}, for volume ${volume}` }),
    }))
  }

  /** Another pod is on its way for all volumes of the spec: their entries name it, without a UID, Ready ones too. */
  async replaced(podName: string): Promise<void> {
    await this.#change((vmi) => {
      const wanted = vmi.spec.volumes.map((volume) => (volume as { name: string }).name)
      return mapEntries(vmi, ({ name, hotplugVolume }) => (hotplugVolume && wanted.includes(name) ? { hotplugVolume: { attachPodName: podName } } : {}))
    })
  }

  /** That pod is ready: its UID stands in every entry that names it. */
  async ready(pod: Required<Attachment>): Promise<void> {
    await this.#change((vmi) => mapEntries(vmi, (entry) => (entry.hotplugVolume?.attachPodName === pod.name ? { hotplugVolume: { attachPodName: pod.name, attachPodUID: pod.uid } } : {})))
  }

  /** The pod goes; first with the old words (`told` false), then with its own. */
  detaching(volume: string, told = true): Promise<void> {
    return this.#write(volume, ({ hotplugVolume }) => ({
      phase: 'Detaching',
      ...(told && { reason: 'SuccessfulDelete', message: `Deleted hotplug attachment pod ${hotplugVolume?.attachPodName}, for volume ${volume}` }),
    }))
  }

  /** The entry goes. */
  async drop(volume: string): Promise<void> {
    await this.#change((vmi) => withEntries(vmi, entriesOf(vmi).filter(({ name }) => name !== volume)))
  }

  /** Writes anything else into the status. */
  async status(fields: Readonly<Record<string, unknown>>): Promise<void> {
    await this.#change((vmi) => ({ ...vmi, status: { ...vmi.status, ...fields } as Vmi['status'] & object }))
  }

  #write(volume: string, change: Change): Promise<void> {
    return this.#change((vmi) => {
      const known = entriesOf(vmi).some(({ name }) => name === volume)
      const all = known ? vmi : withEntries(vmi, [...entriesOf(vmi), { name: volume, target: '' }])
      return mapEntries(all, (entry) => (entry.name === volume ? change(entry) : {}))
    })
  }

  async #change(change: (vmi: Made<Vmi>) => Made<Vmi>): Promise<void> {
    for (;;) {
      const wanted = change(await this.vmi())
      try {
        const got = await this.#server.replace<Vmi>(wanted)
        // With a status subresource the status is written apart.
        if (!isSame(got.status, wanted.status)) await this.#server.replace<Vmi>({ ...got, status: wanted.status } as Made<Vmi>, '/status')
        return
      } catch (error) {
        if (!(error instanceof ApiError && error.status === 409)) throw error
      }
    }
  }
}

const isSame = (one: unknown, other: unknown): boolean => isDeepStrictEqual(one, JSON.parse(JSON.stringify(other ?? null)))

const isExposed = (phase: string | undefined): boolean => phase === 'MountedToPod' || phase === 'Ready'

const entriesOf = (vmi: Vmi): readonly VolumeStatusEntry[] => vmi.status?.volumeStatus ?? []

const withEntries = (vmi: Made<Vmi>, entries: readonly VolumeStatusEntry[]): Made<Vmi> => {
  const volumeStatus = [...entries].sort((one, other) => (one.name < other.name ? -1 : 1))
  return { ...vmi, status: { ...vmi.status, volumeStatus } as Vmi['status'] & object }
}

const mapEntries = (vmi: Made<Vmi>, change: Change): Made<Vmi> =>
  withEntries(vmi, entriesOf(vmi).map((entry) => ({ ...entry, ...change(entry) })))

const withSpec = (vmi: Made<Vmi>, volumes: readonly object[], disks: readonly object[]): Made<Vmi> => ({
  ...vmi,
  spec: { ...vmi.spec, volumes, domain: { ...vmi.spec.domain, devices: { ...vmi.spec.domain.devices, disks } } },
})
