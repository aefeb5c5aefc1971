import { readFile, readdir, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import { parseMountinfo } from '../../../core/node/mountinfo.ts'

/**
 * Where a held device is mounted in some other process's mount namespace, in words; null if nowhere that can be seen.
 * Looks at every process of the machine: only for saying why a device is busy.
 */
export async function mountedElsewhere(device: string): Promise<string | null> {
  const seen = new Set<string>()
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const namespace = await readlink(join('/proc', pid, 'ns/mnt')).catch(() => null)
    if (namespace === null || seen.has(namespace)) continue
    seen.add(namespace)
    const at = await mountPointIn(join('/proc', pid, 'mountinfo'), device)
    if (at !== null) return `mounted at ${at} in the mount namespace of process ${pid}`
  }
  return null
}

async function mountPointIn(mountinfo: string, device: string): Promise<string | null> {
  const text = await readFile(mountinfo, 'utf8').catch(() => '')
  return parseMountinfo(text).find((mount) => mount.device === device)?.at ?? null
}
