import type { LiveDisk } from '../../model/disk.ts'
import { aliasOf } from '../../model/disk.ts'
import type { DomainView } from '../../model/domain.ts'
import type { ObservedEntry, ObservedVmi, ObservedVolume } from '../../model/observed.ts'
import type { FollowFacts } from './follow-stage.ts'
import { heldUpIn } from './held-up.ts'

/** Everything that is seen of one VM. */
export interface VmSight {
  /** Null: it is gone from this node. */
  readonly vmi: ObservedVmi | null
  /** Null: libvirt has no such domain. Undefined: it was not asked, or does not answer. */
  readonly view: DomainView | null | undefined
  /** Null: it cannot be seen. */
  readonly exposed: ReadonlySet<string> | null
}

/** Below which of its own directories KubeVirt puts what it hot-plugs; disks of others are none of its business. */
const HOTPLUG_SOURCE = /^\/(?:var\/)?run\/kubevirt\/hotplug-disks\/([^/]+?)(?:\.img)?$/

/**
 * What is seen of each hot-plugged volume of a VM: of those that spec or status name, and of `known` ones, which are
 * followed until nothing of them is left. Pure.
 */
export function factsOf(sight: VmSight, known: Iterable<string>): FollowFacts[] {
  const { vmi } = sight
  const entries = new Map((vmi?.entries ?? []).map((entry) => [entry.name, entry]))
  const volumes = new Map((vmi?.volumes ?? []).map((volume) => [volume.name, volume]))
  const heldUpBy = vmi === null ? () => null : heldUpIn(vmi)
  const names = new Set([...entries.keys(), ...volumes.keys(), ...known])
  return [...names].sort().flatMap((name) => {
    const [entry, spec] = [entries.get(name) ?? null, volumes.get(name) ?? null]
    return isOrdinary(entry, spec) ? [] : [{ name, ...ofVolume(sight, entry, spec), ...seenInside(sight, name), heldUpBy: heldUpBy(name) }]
  })
}

/** What counts is `hotplugVolume` in the entry; as long as there is none, the spec. */
function isOrdinary(entry: ObservedEntry | null, spec: ObservedVolume | null): boolean {
  if (entry !== null) return entry.hotplug === null
  return spec !== null && !spec.hotpluggable
}

function ofVolume({ vmi }: VmSight, entry: ObservedEntry | null, spec: ObservedVolume | null): Pick<FollowFacts, 'spec' | 'entry' | 'pod' | 'hasLauncher' | 'migrating' | 'failure'> {
  const pod = vmi?.pods.get(entry?.name ?? spec?.name ?? '') ?? null
  return { spec, entry, pod, hasLauncher: Boolean(vmi?.launcherUid), migrating: vmi?.migrating === true, failure: vmi?.failure ?? null }
}

function seenInside({ view, exposed }: VmSight, name: string): Pick<FollowFacts, 'disk' | 'exposed'> {
  const disk = view === undefined ? undefined : (view === null || view.state === 'off' ? null : hotplugDisk(view.disks, name))
  return { disk, exposed: exposed === null ? null : exposed.has(name) }
}

/** By where its source lies, and by its alias where libvirt lists no source. */
function hotplugDisk(disks: readonly LiveDisk[], name: string): LiveDisk | null {
  return disks.find(({ source }) => volumeOfSource(source) === name) ?? disks.find(({ alias, source }) => source === null && alias === aliasOf(name)) ?? null
}

/** The volume whose disk KubeVirt has given this source; null: it is no hot-plugged disk of KubeVirt's. */
function volumeOfSource(source: string | null): string | null {
  return HOTPLUG_SOURCE.exec(source ?? '')?.[1] ?? null
}
