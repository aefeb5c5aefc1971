import { randomUUID } from 'node:crypto'
import { rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { LibvirtHost } from '../support/lab.ts'

/** A disk that somebody else attaches to vm1, with serial `foreign`. */
export interface ForeignDisk {
  readonly path: string
  readonly target: string
  readonly alias?: string
  /** @default 'live' */
  readonly scope?: 'live' | 'config'
}

export async function attachForeign(host: LibvirtHost, { path, target, alias, scope = 'live' }: ForeignDisk): Promise<void> {
  const unit = target.charCodeAt(2) - 'a'.charCodeAt(0)
  const xml = `<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='${path}'/>
    <target dev='${target}' bus='scsi'/><serial>foreign</serial>${alias === undefined ? '' : `<alias name='${alias}'/>`}
    <address type='drive' controller='0' bus='0' target='0' unit='${unit}'/></disk>`
  const file = join(tmpdir(), `foreign-${randomUUID()}.xml`)
  await writeFile(file, xml)
  try {
    await host.virsh('attach-device', 'vm1', file, `--${scope}`)
  } finally {
    await rm(file)
  }
}

export async function detachForeign(host: LibvirtHost, { target, scope = 'live' }: Pick<ForeignDisk, 'target' | 'scope'>): Promise<void> {
  await host.virsh('detach-disk', 'vm1', target, `--${scope}`)
}
