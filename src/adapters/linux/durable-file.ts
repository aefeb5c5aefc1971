import { randomUUID } from 'node:crypto'
import { constants } from 'node:fs'
import { open, rename, unlink, type FileHandle } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { failed } from './system-failure.ts'

const ASIDE_PREFIX = '.writing-'
const { O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_RDONLY, O_WRONLY } = constants

/** Whether a name in a directory is what a killed `writeDurably` left behind; whoever owns the directory may unlink it. */
export function isWrittenAside(name: string): boolean {
  return name.startsWith(ASIDE_PREFIX)
}

/**
 * Replaces the file as a whole: written aside in the same directory, fsynced, renamed, directory fsynced. Once resolved
 * the bytes survive power loss. Whatever happens, `path` holds the whole old or the whole new bytes; after an error it
 * may be either. A link at `path` is replaced, not followed. Calls for one path must not overlap if their order matters.
 * Throws HotplugError `StateUnwritable` with the errno in `detail`.
 *
 * @param mode permission bits of the new file, whatever the umask; 0600 unless said.
 */
export async function writeDurably(path: string, bytes: string | Uint8Array, mode = 0o600): Promise<void> {
  const aside = join(dirname(path), ASIDE_PREFIX + randomUUID())
  try {
    await writeNew(aside, bytes, mode)
    await rename(aside, path)
    await syncDirectory(dirname(path))
  } catch (error) {
    await unlink(aside).catch(() => {}) // most often not there any more, and the first error is the one to tell
    throw failed('StateUnwritable', `write ${path}`, error)
  }
}

/** Unlinks the file so that it stays away after power loss; an absent one is fine. Errors as `writeDurably`. */
export async function removeDurably(path: string): Promise<void> {
  try {
    await unlink(path).catch(ignoreMissing)
    await syncDirectory(dirname(path))
  } catch (error) {
    throw failed('StateUnwritable', `write ${path}`, error)
  }
}

async function writeNew(path: string, bytes: string | Uint8Array, mode: number): Promise<void> {
  await using file = await open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode)
  await file.chmod(mode)
  await file.writeFile(bytes)
  await file.sync()
}

async function syncDirectory(path: string): Promise<void> {
  await using directory: FileHandle = await open(path, O_RDONLY | O_DIRECTORY)
  await directory.sync()
}

function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error
}
