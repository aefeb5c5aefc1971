import { access, constants, mkdir, open, readdir, readFile, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { HotplugError } from '../../errors.ts'
import { isWrittenAside, writeDurably } from '../linux/durable-file.ts'
import { STATE_FORMAT } from './sealed-file.ts'

const VERSION_FILE = 'format-version'

/**
 * Makes sure that the state directory is there, can be written to and is not of a newer version; a full disk is no
 * reason to refuse. Only one process may have it open. Throws HotplugError `StateUnwritable` (errno in `detail`) or `StateFromNewerVersion`.
 */
export async function openStateDirectory(stateDir: string): Promise<void> {
  await makeDirectory(stateDir)
  await access(stateDir, constants.R_OK | constants.W_OK | constants.X_OK).catch((error: unknown) => {
    throw stateUnwritable('use the state directory', stateDir, error)
  })
  await sweep(stateDir)
  const version = await readVersion(join(stateDir, VERSION_FILE))
  if (version === null) return writeDurably(join(stateDir, VERSION_FILE), `${STATE_FORMAT}\n`)
  if (version === String(STATE_FORMAT)) return
  throw new HotplugError('StateFromNewerVersion', `${stateDir} has format ${JSON.stringify(version)}, this version of hotplugd reads ${STATE_FORMAT}`, { detail: { path: stateDir, format: version } })
}

/**
 * Makes the directory and those above it, each so that it stays after power loss; one that is there is fine.
 * Throws HotplugError `StateUnwritable`.
 */
export async function makeDirectory(path: string): Promise<void> {
  try {
    await make(path)
  } catch (error) {
    throw stateUnwritable('make the directory', path, error)
  }
}

/** An errno while handling state, as the error that names it. */
export function stateUnwritable(act: string, path: string, cause: unknown): HotplugError {
  const { code = 'unknown', syscall = '' } = cause as NodeJS.ErrnoException
  return new HotplugError('StateUnwritable', `cannot ${act} ${path}: ${code}`, { detail: { path, errno: code, syscall }, cause })
}

/** What a write that was cut off by a crash or power loss left behind. */
async function sweep(directory: string): Promise<void> {
  const left = (await readdir(directory)).filter(isWrittenAside)
  await Promise.all(left.map((name) => rm(join(directory, name), { force: true }).catch(() => {})))
}

/** Step by step: `recursive` answers ENOENT on a read-only file system. */
async function make(path: string): Promise<void> {
  const why = await mkdir(path, 0o700).then(() => null, (error: NodeJS.ErrnoException) => error)
  if (why?.code === 'EEXIST' && (await stat(path)).isDirectory()) return
  if (why !== null && (why.code !== 'ENOENT' || dirname(path) === path)) throw why
  if (why !== null) {
    await make(dirname(path))
    return make(path)
  }
  await syncDirectory(dirname(path))
}

async function syncDirectory(path: string): Promise<void> {
  await using directory = await open(path, constants.O_RDONLY | constants.O_DIRECTORY)
  await directory.sync()
}

async function readVersion(path: string): Promise<string | null> {
  try {
    return (await readFile(path, 'utf8')).trim().slice(0, 100)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw stateUnwritable('read', path, error)
  }
}
