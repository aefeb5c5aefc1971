import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs'
import { realpath } from 'node:fs/promises'
import { basename } from 'node:path'
import { setImmediate } from 'node:timers/promises'

const WRITE_MODES = 0o3

/**
 * The pid of a process of this host that has the file open for writing, or null. A file that somebody still writes can
 * look whole and be half. Looks through /proc, a process at a time between other work, so it is only asked for a
 * file that changed; a writer on another host (NFS) is not seen.
 */
export async function writerOf(path: string): Promise<number | null> {
  const target = await realpath(path).catch(() => path)
  const identity = identify(target)
  if (identity === null) return null
  for (const pid of numbersIn('/proc')) {
    if (numbersIn(`/proc/${pid}/fd`).some((fd) => isWriter(pid, fd, target, identity))) return pid
    await setImmediate()
  }
  return null
}

function isWriter(pid: number, fd: number, target: string, identity: string): boolean {
  try {
    // by name first: asking a descriptor of a dead NFS server for its identity would hang
    if (basename(readlinkSync(`/proc/${pid}/fd/${fd}`)) !== basename(target)) return false
    const flags = /^flags:\s*([0-7]+)$/m.exec(readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'utf8'))?.[1] ?? '0'
    return (Number.parseInt(flags, 8) & WRITE_MODES) !== 0 && identify(`/proc/${pid}/fd/${fd}`) === identity
  } catch {
    return false // closed meanwhile
  }
}

function numbersIn(directory: string): readonly number[] {
  try {
    return readdirSync(directory).map(Number).filter(Number.isInteger)
  } catch {
    return [] // the process ended meanwhile
  }
}

function identify(path: string): string | null {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false })
  return found === undefined ? null : `${found.dev}:${found.ino}`
}
