import type { AddVolume, RemoveVolume } from '../../agent/api.ts'
import { HotplugError } from '../../errors.ts'
import type { VmRef } from '../../model/ids.ts'
import type { LocalSource } from '../../model/source.ts'
import { parseDisk } from './disk-options.ts'
import { dryRunAt, invalid, knownFields, objectAt, textAt, wordAt, type JsonObject } from './fields.ts'

/** A VM, and whether its persistent definition is meant as well. */
export interface Target {
  readonly vm: VmRef
  readonly persist: boolean
}

/** Reads KubeVirt's AddVolumeOptions. Throws HotplugError with a message that names the field. */
export function parseAddVolume(body: unknown, target: Target): AddVolume {
  const options = knownFields(body, 'AddVolumeOptions', ['name', 'disk', 'volumeSource', 'dryRun'])
  const name = nameOf(options, 'AddVolumeOptions')
  if ((options['disk'] ?? null) === null) throw invalid('AddVolumeOptions requires disk to not be nil')
  if ((options['volumeSource'] ?? null) === null) throw invalid('AddVolumeOptions requires VolumeSource to not be nil')
  const disk = parseDisk(options['disk'], name)
  return { ...target, name, disk, source: parseSource(options), dryRun: dryRunAt(options, 'AddVolumeOptions') }
}

/** Reads KubeVirt's RemoveVolumeOptions. Throws HotplugError with a message that names the field. */
export function parseRemoveVolume(body: unknown, target: Target): RemoveVolume {
  const options = knownFields(body, 'RemoveVolumeOptions', ['name', 'dryRun'])
  return { ...target, name: nameOf(options, 'RemoveVolumeOptions'), dryRun: dryRunAt(options, 'RemoveVolumeOptions') }
}

function nameOf(options: JsonObject, kind: string): string {
  const name = textAt(options, 'name', kind)
  if (name === null || name === '') throw invalid(`${kind} requires name to be set`)
  return name
}

function parseSource(options: JsonObject): LocalSource {
  const source = objectAt(options, 'volumeSource', 'volumeSource', ['local', 'persistentVolumeClaim', 'dataVolume'])
  const claim = ['persistentVolumeClaim', 'dataVolume'].find(field => (source?.[field] ?? null) !== null)
  if (claim !== undefined) {
    throw new HotplugError('InvalidRequest', `volumeSource.${claim} is not supported on a host without Kubernetes`, { remedy: 'Use volumeSource.local{path, format}.' })
  }
  const local = source === null ? null : objectAt(source, 'local', 'volumeSource.local', ['path', 'format'])
  if (local === null) throw invalid('volumeSource.local is required')
  return { kind: 'local', path: pathOf(local), format: wordAt(local, 'format', 'volumeSource.local', ['raw', 'qcow2']) ?? 'raw' }
}

function pathOf(local: JsonObject): string {
  const path = textAt(local, 'path', 'volumeSource.local')
  if (path === null) throw invalid('volumeSource.local.path is required')
  if (!path.startsWith('/') || path.includes('\0')) throw invalid('volumeSource.local.path must be an absolute path')
  if (Buffer.byteLength(path) > 4095) throw invalid('volumeSource.local.path must have at most 4095 bytes')
  return path
}
