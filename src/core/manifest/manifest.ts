import type { DesiredVolume } from '../../model/desired.ts'
import { vmKey, type VmKey, type VmRef } from '../../model/ids.ts'
import type { LocalSource } from '../../model/source.ts'
import { checkLocalPath, plainPath } from './local-path.ts'
import { ORDINARY, readDisk, type DiskEntry } from './manifest-disk.ts'
import { fault, flag, list, mapping, optional, required, text, word, type Fault, type Place } from './manifest-shape.ts'
import { checkSerial } from '../disk/serial.ts'
import { checkVolumeName } from '../disk/volume-name.ts'

const CLUSTER = 'needs Kubernetes; standalone mode takes local: {path}'
const CLUSTER_SOURCES = { persistentVolumeClaim: `persistentVolumeClaim ${CLUSTER}`, dataVolume: `dataVolume ${CLUSTER}` }
const UNFIT_IN_NAMES = /[/\u0000-\u001f\u007f]/

/** What one manifest says. With a fault it says nothing at all: `volumes` is empty then, and means nothing. */
export interface ManifestReading {
  /** Null if the name could not be told. */
  readonly vm: VmKey | null
  readonly volumes: readonly DesiredVolume[]
  readonly faults: readonly Fault[]
}

interface VolumeEntry {
  readonly name: string
  readonly place: Place
  readonly source: LocalSource | null
  readonly persist: boolean
}

/**
 * Reads a VirtualMachineInstance as a YAML or JSON parser returned it. Never throws; whatever is not understood is a
 * fault, because a key that was mistyped must not turn into a disk that is other than meant.
 *
 * @param file the manifest's path, which the volumes carry as their origin.
 */
export function readManifest(value: unknown, file: string): ManifestReading {
  const root: Place = { value, path: [], faults: [] }
  mapping(root, ['apiVersion', 'kind', 'metadata', 'spec'])
  required(root, 'apiVersion', (at) => word(at, ['kubevirt.io/v1', 'hotplugd.io/v1']))
  required(root, 'kind', (at) => word(at, ['VirtualMachineInstance']))
  const ref = required(root, 'metadata', readMetadata)
  const vm = ref === null ? null : vmKey(ref)
  const wanted = required(root, 'spec', readSpec) ?? []
  if (vm === null || root.faults.length > 0) return { vm, volumes: [], faults: root.faults }
  return { vm, volumes: wanted.map((one) => ({ ...one, vm, origin: { kind: 'manifest', file } })), faults: [] }
}

type Wanted = Omit<DesiredVolume, 'vm' | 'origin'>

function readMetadata(place: Place): VmRef | null {
  mapping(place, ['name', 'namespace', 'labels', 'annotations'])
  const name = required(place, 'name', readName)
  const namespace = 'namespace' in Object(place.value) ? optional(place, 'namespace', readName) : 'default'
  return name === null || namespace === null ? null : { namespace, name }
}

function readName(place: Place): string | null {
  const name = text(place)
  if (name === null || (name !== '' && name.isWellFormed() && !UNFIT_IN_NAMES.test(name))) return name
  fault(place, `${JSON.stringify(name)} cannot be a name, allowed: text that is not empty and holds neither '/' nor control characters`)
  return null
}

function readSpec(place: Place): readonly Wanted[] {
  mapping(place, ['domain', 'volumes'])
  const disks = optional(place, 'domain', readDomain) ?? []
  const volumes = (required(place, 'volumes', list) ?? []).map(readVolume).filter((one) => one !== null)
  refuseTwins(disks)
  refuseTwins(volumes)
  refuseSameSource(volumes)
  refuseOrphans(disks, volumes)
  return volumes.map((volume) => combine(volume, disks.find((disk) => disk.name === volume.name))).filter((one) => one !== null)
}

function readDomain(place: Place): readonly DiskEntry[] | null {
  mapping(place, ['devices'])
  return optional(place, 'devices', readDevices)
}

function readDevices(place: Place): readonly DiskEntry[] {
  mapping(place, ['disks'])
  return (optional(place, 'disks', list) ?? []).map(readDisk).filter((one) => one !== null)
}

function readVolume(place: Place): VolumeEntry | null {
  if (mapping(place, ['name', 'local', 'persist'], CLUSTER_SOURCES) === null) return null
  const source = required(place, 'local', readLocal)
  const persist = optional(place, 'persist', flag) ?? false
  const name = required(place, 'name', readVolumeName)
  return name === null ? null : { name, place, source, persist }
}

function readVolumeName(place: Place): string | null {
  const name = text(place)
  const refusal = name === null ? null : checkVolumeName(name)
  if (refusal !== null) fault(place, `${refusal.message}. ${refusal.remedy}`)
  return name
}

function readLocal(place: Place): LocalSource | null {
  mapping(place, ['path', 'format'])
  const format = optional(place, 'format', (at) => word(at, ['raw', 'qcow2'])) ?? 'raw'
  const path = required(place, 'path', readPath)
  return path === null ? null : { kind: 'local', path, format }
}

function readPath(place: Place): string | null {
  const path = text(place)
  const refusal = path === null ? null : checkLocalPath(path)
  if (refusal !== null) fault(place, `${refusal.message}, allowed: an absolute path`)
  return path
}

function refuseTwins(entries: readonly { readonly name: string; readonly place: Place }[]): void {
  const seen = new Set<string>()
  for (const { name, place } of entries) {
    if (seen.has(name)) fault(place, `the name ${JSON.stringify(name)} is there twice`)
    seen.add(name)
  }
}

function refuseSameSource(volumes: readonly VolumeEntry[]): void {
  const nameByPath = new Map<string, string>()
  for (const { name, place, source } of volumes) {
    if (source === null) continue
    const other = nameByPath.get(plainPath(source.path))
    if (other !== undefined) fault(place, `the source ${source.path} is that of volume ${JSON.stringify(other)} too`)
    nameByPath.set(plainPath(source.path), name)
  }
}

function refuseOrphans(disks: readonly DiskEntry[], volumes: readonly VolumeEntry[]): void {
  const names = new Set(volumes.map((volume) => volume.name))
  for (const { name, place } of disks) {
    if (!names.has(name)) fault(place, `the disk ${JSON.stringify(name)} has no volume of that name in spec.volumes`)
  }
}

function combine(volume: VolumeEntry, disk: DiskEntry | undefined): Wanted | null {
  const serial = disk?.serial ?? volume.name
  const refusal = disk?.serial == null ? checkSerial(serial) : null
  if (refusal !== null) fault(volume.place, `${refusal.message} (without serial: the name is taken). ${refusal.remedy}`)
  if (volume.source === null) return null
  if (disk?.options.shareable && volume.source.format !== 'raw') fault(volume.place, `a ${volume.source.format} image cannot be shareable, only raw sources can`)
  const { name, source, persist } = volume
  return { name, source, persist, disk: { serial, ...(disk?.options ?? ORDINARY) }, token: '', vmUid: null }
}
