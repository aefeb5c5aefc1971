import { randomUUID } from 'node:crypto'
import { dirname, join } from 'node:path'
import { addon } from './binding.ts'
import { failed } from './system-failure.ts'

const ASIDE_PREFIX = '.writing-'

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
    await addon.replaceDurably(path, aside, typeof bytes === 'string' ? Buffer.from(bytes) : bytes, mode)
  } catch (error) {
    throw failed('StateUnwritable', `write ${path}`, error)
  }
}

/** Unlinks the file so that it stays away after power loss; an absent one is fine. Errors as `writeDurably`. */
export async function removeDurably(path: string): Promise<void> {
  try {
    await addon.unlinkDurably(path)
  } catch (error) {
    throw failed('StateUnwritable', `write ${path}`, error)
  }
}
