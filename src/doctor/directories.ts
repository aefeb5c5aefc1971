import { accessSync, constants, readFileSync, statfsSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { type Mount, parseMountinfo } from '../core/node/mountinfo.ts'
import { failed, ok, warning, wordsOf, type Finding } from './finding.ts'
import type { Surroundings } from './surroundings.ts'

/** Gone with a boot. */
const VOLATILE = ['tmpfs', 'ramfs']
const LEAST_FREE_BYTES = 1 << 20

interface Place {
  readonly name: string
  readonly path: string
  /** Whether the daemon writes there, and makes it where it is not. */
  readonly isWritten: boolean
  readonly survives: 'boot' | 'nothing' | 'any'
}

/** Are they there, writable, with room, and on file systems that keep what is to be kept? Nothing is written to find out. */
export function lookAtDirectories({ config }: Surroundings): readonly Finding[] {
  const run: Place = { name: 'run-dir', path: config.runDir, isWritten: true, survives: 'nothing' }
  const state: Place = { name: 'state-dir', path: config.stateDir, isWritten: true, survives: 'boot' }
  const manifests: Place = { name: 'manifest-dir', path: config.manifestDir, isWritten: false, survives: 'any' }
  return (config.mode === 'standalone' ? [run, state, manifests] : [run]).map(lookAt)
}

function lookAt(place: Place): Finding {
  const { name, path, isWritten } = place
  try {
    const there = nearestThere(path)
    if (!statSync(there).isDirectory()) return failed(name, `${there} is no directory`, `Make a directory of it, or choose another --${name}.`)
    if (there !== path && !isWritten) return ok(name, `${path} is not there: no manifests are read`)
    accessSync(there, isWritten ? constants.W_OK | constants.X_OK : constants.R_OK | constants.X_OK)
    const seen = there === path ? path : `${path} will be made in ${there}`
    return lookAtFileSystem(place, there, seen)
  } catch (thrown) {
    return failed(name, `${path} cannot be ${isWritten ? 'written' : 'read'}: ${wordsOf(thrown)}`, `Give hotplugd access to ${path} (in its unit: ReadWritePaths=), or choose another --${name}.`)
  }
}

function lookAtFileSystem({ name, survives, isWritten }: Place, there: string, seen: string): Finding {
  const { bavail, bsize, files, ffree } = statfsSync(there)
  const freeBytes = bavail * bsize
  if (isWritten && (freeBytes < LEAST_FREE_BYTES || (files > 0 && ffree === 0))) return failed(name, `${seen}: ${freeBytes} bytes and ${ffree} files are free`, 'Make room on its file system.')
  const type = mountOf(there)?.type ?? 'unknown'
  const isVolatile = VOLATILE.includes(type)
  if (survives === 'boot' && isVolatile) return failed(name, `${seen} is on ${type}, which is gone after a boot`, `Choose a --${name} on a disk: what was asked for must survive.`)
  if (survives === 'nothing' && !isVolatile) return warning(name, `${seen} is on ${type}, which outlives a boot`, `Choose a --${name} below /run: a journal of an earlier boot is noticed and passed over, but belongs on a tmpfs.`)
  return ok(name, `${seen} (${type}, ${Math.floor(freeBytes / LEAST_FREE_BYTES)} MiB free)`)
}

/** The directory itself, or the nearest one above it that is there. */
function nearestThere(path: string): string {
  return statSync(path, { throwIfNoEntry: false }) !== undefined || path === '/' ? path : nearestThere(dirname(path))
}

/** The mount that a path is on: the last of those with the longest mount point above it. */
function mountOf(path: string): Mount | null {
  const above = parseMountinfo(readFileSync('/proc/self/mountinfo', 'utf8')).filter(({ at }) => at === '/' || path === at || path.startsWith(`${at}/`))
  return above.reduce<Mount | null>((best, mount) => (best === null || mount.at.length >= best.at.length ? mount : best), null)
}
