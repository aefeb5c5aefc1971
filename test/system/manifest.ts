import { rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Daemon } from '../support/daemon.ts'

/** What a manifest's volume can say, beside its name. */
export interface ManifestVolume {
  readonly path: string
  readonly format?: string
  readonly persist?: boolean
  readonly serial?: string
}

/** Volumes by name; a text is a path. */
export type ManifestVolumes = Readonly<Record<string, string | ManifestVolume>>

/** The text of a manifest, as a user would write it. */
export function manifestText(vm: string, volumes: ManifestVolumes): string {
  const entries = Object.entries(volumes).map(([name, volume]) => ({ name, ...(typeof volume === 'string' ? { path: volume } : volume) }))
  const serials = entries.filter(({ serial }) => serial !== undefined)
  return [
    'apiVersion: kubevirt.io/v1',
    'kind: VirtualMachineInstance',
    `metadata: {name: ${JSON.stringify(vm)}}`,
    'spec:',
    ...(serials.length === 0 ? [] : ['  domain:', '    devices:', '      disks:']),
    ...serials.map(({ name, serial }) => `        - {name: ${name}, disk: {bus: scsi}, serial: ${JSON.stringify(serial)}}`),
    '  volumes:',
    ...entries.map(({ name, path, format, persist }) => `    - {name: ${name}, local: {path: ${JSON.stringify(path)}${format === undefined ? '' : `, format: ${format}`}}${persist ? ', persist: true' : ''}}`),
    '',
  ].join('\n')
}

export function manifestPath(daemon: Daemon, file: string): string {
  return join(daemon.directories.manifests, file)
}

/** Writes `VM.yaml`, whole at once as a careful tool does. */
export async function writeManifest(daemon: Daemon, vm: string, volumes: ManifestVolumes, file = `${vm}.yaml`): Promise<string> {
  const path = manifestPath(daemon, file)
  await writeFile(`${path}~`, manifestText(vm, volumes))
  await rename(`${path}~`, path)
  return path
}

export function deleteManifest(daemon: Daemon, file: string): Promise<void> {
  return rm(manifestPath(daemon, file))
}
