import { at, isRecord, listAt, textAt } from './json-object.ts'
import { readVmiDisk, type VmiDisk } from './vmi-disk.ts'
import { readEntry, type VmiEntry } from './vmi-entry.ts'

/** Names of an object, and which version of it this is. */
export interface ObjectNames {
  readonly uid: string
  readonly namespace: string
  readonly name: string
  readonly resourceVersion: string
}

/** A volume of the spec that stands on a claim; other kinds of volumes are nothing that hotplug knows. */
export interface VmiVolume {
  readonly name: string
  readonly claim: string
  /** `hotpluggable: true`; what really counts is the entry in the status. */
  readonly hotpluggable: boolean
}

/** The part of a VirtualMachineInstance that hotplug rests on. */
export interface Vmi extends ObjectNames {
  readonly phase: string
  /** The node that has it; empty before it was scheduled. */
  readonly nodeName: string
  readonly deleting: boolean
  /** Launcher pods by UID, and the nodes that they run on. */
  readonly activePods: ReadonlyMap<string, string>
  readonly volumes: readonly VmiVolume[]
  /** Names of all volumes of the spec, of kinds that hotplug does not know too. */
  readonly volumeNames: ReadonlySet<string>
  readonly disks: ReadonlyMap<string, VmiDisk>
  /** `status.volumeStatus`, in its order. */
  readonly entries: readonly VmiEntry[]
  readonly migrating: boolean
  /** KubeVirt's own words for why the domain could not be brought in line (condition Synchronized); null: nothing is said. */
  readonly failure: { readonly reason: string; readonly message: string } | null
  /** What could not be understood. With one of these nothing absent may be taken as unwanted. */
  readonly faults: readonly string[]
}

/** What every object must say of itself; null if it does not. */
export function readNames(object: unknown): ObjectNames | null {
  const [uid, name, resourceVersion] = ['uid', 'name', 'resourceVersion'].map((key) => textAt(object, 'metadata', key))
  if (!uid || !name || !resourceVersion) return null
  return { uid, name, resourceVersion, namespace: textAt(object, 'metadata', 'namespace') ?? '' }
}

/**
 * Reads a VirtualMachineInstance as the API server sent it. Never throws: what is not understood becomes a fault. Null only
 * for what has no name, UID or version.
 */
export function readVmi(object: unknown): Vmi | null {
  const names = readNames(object)
  if (names === null || names.namespace === '') return null
  const faults: string[] = []
  return {
    ...names,
    phase: textAt(object, 'status', 'phase') ?? '',
    nodeName: textAt(object, 'status', 'nodeName') ?? '',
    deleting: textAt(object, 'metadata', 'deletionTimestamp') !== null,
    activePods: readActivePods(at(object, 'status', 'activePods')),
    volumes: readAll(object, ['spec', 'volumes'], { faults, read: readVolume }),
    volumeNames: new Set(listAt(object, 'spec', 'volumes').map((item) => textAt(item, 'name') ?? '')),
    disks: new Map(readAll(object, ['spec', 'domain', 'devices', 'disks'], { faults, read: readDisk })),
    entries: readAll(object, ['status', 'volumeStatus'], { faults, read: readEntry }),
    migrating: isMigrating(at(object, 'status', 'migrationState')),
    failure: readFailure(listAt(object, 'status', 'conditions')),
    faults,
  }
}

interface Reading<T> {
  readonly faults: string[]
  /** Null: not of our kind. Text: what is wrong with it. */
  readonly read: (item: unknown, index: number) => T | string | null
}

function readAll<T extends object>(object: unknown, path: readonly string[], { faults, read }: Reading<T>): T[] {
  const list = at(object, ...path)
  if (list !== undefined && list !== null && !Array.isArray(list)) faults.push(`${path.join('.')} is no list`)
  return listAt(object, ...path).flatMap((item, index) => {
    const one = read(item, index)
    if (typeof one === 'string') faults.push(`${path.join('.')}[${index}] ${one}`)
    return one === null || typeof one === 'string' ? [] : [one]
  })
}

function readVolume(item: unknown): VmiVolume | string | null {
  const name = textAt(item, 'name')
  if (name === null || name === '') return 'has no name'
  return claimVolume(name, at(item, 'persistentVolumeClaim'), 'claimName') ?? claimVolume(name, at(item, 'dataVolume'), 'name')
}

/** A data volume fills a claim of its own name. */
function claimVolume(name: string, source: unknown, key: string): VmiVolume | string | null {
  if (source === undefined || source === null) return null
  const claim = textAt(source, key)
  return claim === null || claim === '' ? `(${name}) names no claim` : { name, claim, hotpluggable: at(source, 'hotpluggable') === true }
}

function readDisk(item: unknown): readonly [string, VmiDisk] | string {
  const name = textAt(item, 'name')
  return name === null || name === '' ? 'has no name' : [name, readVmiDisk(name, item)]
}

function readActivePods(value: unknown): ReadonlyMap<string, string> {
  const pairs = isRecord(value) ? Object.entries(value) : []
  return new Map(pairs.flatMap(([uid, node]) => (typeof node === 'string' ? [[uid, node] as const] : [])))
}

/** One that has been said to be over is; everything else about it is under way. */
function isMigrating(state: unknown): boolean {
  return isRecord(state) && at(state, 'completed') !== true && at(state, 'failed') !== true
}

function readFailure(conditions: readonly unknown[]): Vmi['failure'] {
  const synchronized = conditions.find((condition) => textAt(condition, 'type') === 'Synchronized')
  if (textAt(synchronized, 'status') !== 'False') return null
  return { reason: textAt(synchronized, 'reason') ?? '', message: textAt(synchronized, 'message') ?? '' }
}
