import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs'
import { realpath } from 'node:fs/promises'
import { basename } from 'node:path'
import { setImmediate } from 'node:timers/promises'

const WRITE_MODES = 0o3

interface Target {
  readonly path: string
  /** `st_dev:st_ino` */
  readonly identity: string
}

/**
 * Which of the files a process of this host has open for writing, and its pid. A file that somebody still writes can
 * look whole and be half. Looks through /proc once, a process at a time between other work, so it is only asked for
 * files that changed; a writer on another host (NFS) is not seen.
 */
export async function writersOf(paths: readonly string[]): Promise<ReadonlyMap<string, number>> {
  const writers = new Map<string, number>()
  const targets = await targetsByName(paths)
  if (targets.size === 0) return writers
  for (const pid of numbersIn('/proc')) {
    for (const fd of numbersIn(`/proc/${pid}/fd`)) {
      for (const path of writtenBy(`/proc/${pid}`, fd, targets)) writers.set(path, pid)
    }
    await setImmediate()
  }
  return writers
}

async function targetsByName(paths: readonly string[]): Promise<ReadonlyMap<string, readonly Target[]>> {
  const targets = new Map<string, Target[]>()
  for (const path of paths) {
    const identity = identify(path)
    if (identity === null) continue
    const name = basename(await realpath(path).catch(() => path))
    targets.set(name, [...(targets.get(name) ?? []), { path, identity }])
  }
  return targets
}

function writtenBy(process: string, fd: number, targets: ReadonlyMap<string, readonly Target[]>): readonly string[] {
  try {
    // by name first: asking a descriptor of a dead NFS server for its identity would hang
    const named = targets.get(basename(readlinkSync(`${process}/fd/${fd}`)))
    if (named === undefined || !isForWriting(`${process}/fdinfo/${fd}`)) return []
    const identity = identify(`${process}/fd/${fd}`)
    return named.filter((one) => one.identity === identity).map((one) => one.path)
  } catch {
    return [] // closed meanwhile
  }
}

function isForWriting(fdinfo: string): boolean {
  const flags = /^flags:\s*([0-7]+)$/m.exec(readFileSync(fdinfo, 'utf8'))?.[1] ?? '0'
  return (Number.parseInt(flags, 8) & WRITE_MODES) !== 0
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
