import { at, isRecord, listAt, textAt } from './json-object.ts'
import { type ObjectNames, readNames } from './vmi.ts'

/** The part of a pod that hotplug rests on. Labels are left out: they prove nothing. */
export interface PodFacts extends ObjectNames {
  readonly nodeName: string
  readonly phase: string
  /** Its Ready condition holds. */
  readonly ready: boolean
  readonly terminating: boolean
  /** The one owner that controls it. */
  readonly controller: { readonly kind: string; readonly uid: string; readonly name: string } | null
  /** Names of all its volumes. */
  readonly volumes: ReadonlySet<string>
  /** Claims by the name of the volume. */
  readonly claims: ReadonlyMap<string, string>
  /** Where a container sees a block volume, by the name of the volume. */
  readonly devicePaths: ReadonlyMap<string, string>
  /** Volumes that a container mounts. */
  readonly mounted: ReadonlySet<string>
  /** What keeps it from getting ready, in the words of kubelet or scheduler; null if nothing is said. */
  readonly hitch: PodHitch | null
}

/** What a pod stumbles over or waits for, in the words of kubelet or scheduler; `message` is empty where they say none. */
export interface PodHitch {
  /** Such as `ImagePullBackOff`, `Unschedulable`, `ContainerCreating`. */
  readonly reason: string
  readonly message: string
}

/** Reads a pod as the API server sent it; null for what has no name, UID or version. Never throws. */
export function readPod(object: unknown): PodFacts | null {
  const names = readNames(object)
  if (names === null) return null
  const phase = textAt(object, 'status', 'phase') ?? ''
  const ready = conditionOf(object, 'Ready')
  return {
    ...names,
    nodeName: textAt(object, 'spec', 'nodeName') ?? '',
    phase,
    ready: phase === 'Running' && textAt(ready, 'status') === 'True',
    terminating: textAt(object, 'metadata', 'deletionTimestamp') !== null,
    controller: controllerOf(object),
    ...volumesOf(object),
    hitch: hitchOf(object),
  }
}

function controllerOf(object: unknown): PodFacts['controller'] {
  const owner = listAt(object, 'metadata', 'ownerReferences').find((reference) => at(reference, 'controller') === true)
  const [kind, uid] = [textAt(owner, 'kind'), textAt(owner, 'uid')]
  return kind && uid ? { kind, uid, name: textAt(owner, 'name') ?? '' } : null
}

function volumesOf(object: unknown): Pick<PodFacts, 'volumes' | 'claims' | 'devicePaths' | 'mounted'> {
  const volumes = listAt(object, 'spec', 'volumes')
  const containers = listAt(object, 'spec', 'containers')
  const devices = containers.flatMap((container) => listAt(container, 'volumeDevices'))
  const mounts = containers.flatMap((container) => listAt(container, 'volumeMounts'))
  return {
    volumes: new Set(volumes.flatMap((volume) => textAt(volume, 'name') ?? [])),
    claims: pairs(volumes, ['persistentVolumeClaim', 'claimName']),
    devicePaths: pairs(devices, ['devicePath']),
    mounted: new Set(mounts.flatMap((mount) => textAt(mount, 'name') ?? [])),
  }
}

function pairs(items: readonly unknown[], path: readonly string[]): ReadonlyMap<string, string> {
  return new Map(items.flatMap((item) => {
    const [name, value] = [textAt(item, 'name'), textAt(item, ...path)]
    return name !== null && value !== null ? [[name, value] as const] : []
  }))
}

function hitchOf(object: unknown): PodHitch | null {
  const containers = ['initContainerStatuses', 'containerStatuses'].flatMap((key) => listAt(object, 'status', key))
  const waiting = containers.map((container) => at(container, 'state', 'waiting')).find(isRecord)
  if (waiting !== undefined) return { reason: textAt(waiting, 'reason') ?? 'Waiting', message: textAt(waiting, 'message') ?? '' }
  const scheduled = conditionOf(object, 'PodScheduled')
  if (textAt(scheduled, 'status') === 'False') return { reason: textAt(scheduled, 'reason') ?? 'Unschedulable', message: textAt(scheduled, 'message') ?? '' }
  const reason = textAt(object, 'status', 'reason')
  return reason === null ? null : { reason, message: textAt(object, 'status', 'message') ?? '' }
}

function conditionOf(object: unknown, type: string): unknown {
  return listAt(object, 'status', 'conditions').find((condition) => textAt(condition, 'type') === type)
}
