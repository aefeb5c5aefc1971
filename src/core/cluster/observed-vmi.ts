import { vmKey } from '../../model/ids.ts'
import type { ObservedPod, ObservedVmi } from '../../model/observed.ts'
import type { PodFacts } from './pod-facts.ts'
import type { Vmi } from './vmi.ts'
import { withoutDisk } from './vmi-disk.ts'
import { attachmentsFor } from './vmi-pods.ts'

/** A VMI as somebody sees it who only watches. `pods`: to find attachment pods of the (proven) launcher among. Pure. */
export function observedVmi(vmi: Vmi, launcher: PodFacts | null, pods: readonly PodFacts[]): ObservedVmi {
  const names = new Set([...vmi.volumes, ...vmi.entries].map(({ name }) => name))
  return {
    vm: vmKey(vmi),
    uid: vmi.uid,
    launcherUid: launcher?.uid ?? null,
    migrating: vmi.migrating,
    volumes: vmi.volumes.map(({ name, claim, hotpluggable }) => ({ name, claim, hotpluggable, disk: (vmi.disks.get(name) ?? withoutDisk(name)).spec })),
    entries: vmi.entries.map(({ name, phase, reason, message, target, hotplug }) => ({ name, phase, reason, message, target, hotplug })),
    pods: new Map(launcher === null ? [] : [...names].flatMap((volume) => podOf(volume, { vmi, launcher, pods }))),
    failure: vmi.failure,
  }
}

interface Pods {
  readonly vmi: Vmi
  readonly launcher: PodFacts
  readonly pods: readonly PodFacts[]
}

/** The one that the status names, if it is known: readiness of another one says nothing about the volume's way. */
function podOf(volume: string, { vmi, launcher, pods }: Pods): (readonly [string, ObservedPod])[] {
  const named = vmi.entries.find(({ name }) => name === volume)?.hotplug
  const found = attachmentsFor(pods, launcher, { vmi, volume }).find(({ uid, name }) => (named?.podUid ? uid === named.podUid : name === named?.podName))
  if (found === undefined) return []
  const { uid, name, phase, ready, terminating, hitch } = found
  return [[volume, { uid, name, phase, ready, terminating, hitch }]]
}
