import { createHash } from 'node:crypto'
import { constants, type BigIntStats } from 'node:fs'
import { type FileHandle, lstat, open, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { identifyDirectory, type DirectoryIdentity } from './directory-identity.ts'
import { LARGEST_BYTES } from './manifest-file.ts'

/** One manifest file as it was at one moment. */
export interface FileLook {
  /** Changes whenever the file does. */
  readonly signature: string
  /** Where it is open for writing can be found out by these. */
  readonly device: bigint
  readonly inode: bigint
  readonly content: FileContent
  /** Changed so shortly before it was read that a further change may not show in its times. */
  readonly fresh: boolean
}

export type FileContent =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array; readonly hash: string }
  | { readonly kind: 'unreadable'; readonly why: string }

/** More than the granularity of any file system's times here. Only decides whether a file is read once more. */
const FRESH_MS = 50

/** What a look at the directory showed. */
export type DirectoryLook =
  | { readonly kind: 'read'; readonly identity: DirectoryIdentity; readonly files: ReadonlyMap<string, FileLook> }
  | { readonly kind: 'unreadable'; readonly why: string }

/** Editors' own files: hidden ones, and what vim and Emacs leave (`4913` and `x.yaml~` do not end in .yaml anyway). */
const MANIFEST = /^[^.#].*\.ya?ml$/su

/**
 * Looks at the directory once: which one it is, and the manifests in it. All is reached through one descriptor, so that
 * the files are those of the directory that was identified. Links to regular files are followed (the directory is
 * root's own, and some tools swap whole sets of files by one link); subdirectories and all else are left out.
 *
 * @param known the last look: files that have not changed since are not read again.
 */
export async function lookAt(path: string, known: ReadonlyMap<string, FileLook>): Promise<DirectoryLook> {
  try {
    await using directory = await open(path, constants.O_RDONLY | constants.O_DIRECTORY)
    const identity = await identifyDirectory(directory)
    const files = await lookAtFiles(`/proc/self/fd/${directory.fd}`, known)
    return { kind: 'read', identity, files }
  } catch (error) {
    return { kind: 'unreadable', why: errno(error) }
  }
}

async function lookAtFiles(path: string, known: ReadonlyMap<string, FileLook>): Promise<ReadonlyMap<string, FileLook>> {
  const names = (await readdir(path)).filter((name) => MANIFEST.test(name)).toSorted()
  const looks = await Promise.all(names.map(async (name) => [name, await lookAtFile(join(path, name), known.get(name))] as const))
  return new Map(looks.filter((one): one is readonly [string, FileLook] => one[1] !== null))
}

/** Null: gone meanwhile. A link that leads nowhere is not gone: what it leads to may just not be mounted. */
async function lookAtFile(path: string, known: FileLook | undefined): Promise<FileLook | null> {
  try {
    const seen = await stat(path, { bigint: true })
    if (!seen.isFile()) return unreadable('it is not a regular file')
    if (known?.content.kind === 'bytes' && !known.fresh && known.signature === signatureOf(seen)) return known
    await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY)
    return await readWhole(file)
  } catch (error) {
    if (errno(error) !== 'ENOENT') return unreadable(errno(error))
    return (await isThere(path)) ? unreadable('it is a link that leads nowhere') : null
  }
}

async function isThere(path: string): Promise<boolean> {
  return lstat(path).then(() => true, (error: unknown) => errno(error) !== 'ENOENT')
}

function unreadable(why: string): FileLook {
  return { signature: why, device: 0n, inode: 0n, fresh: true, content: { kind: 'unreadable', why } }
}

async function readWhole(file: FileHandle): Promise<FileLook> {
  const before = await file.stat({ bigint: true })
  if (!before.isFile()) return unreadable('it is not a regular file')
  const fresh = Math.abs(Date.now() - Number(before.ctimeMs)) < FRESH_MS
  const buffer = new Uint8Array(Math.min(Number(before.size), LARGEST_BYTES) + 1)
  const bytes = buffer.subarray(0, await fill(file, buffer))
  // the signature is that of *before*: if the file changed while it was read, the next look sees another one
  const hash = createHash('sha256').update(bytes).digest('hex')
  return { signature: signatureOf(before), device: before.dev, inode: before.ino, fresh, content: { kind: 'bytes', bytes, hash } }
}

async function fill(file: FileHandle, buffer: Uint8Array): Promise<number> {
  let length = 0
  while (length < buffer.length) {
    const { bytesRead } = await file.read(buffer, length, buffer.length - length, length)
    if (bytesRead === 0) break
    length += bytesRead
  }
  return length
}

/** The signature of the file as it is now; null if it cannot be told. */
export async function signatureAt(path: string): Promise<string | null> {
  return stat(path, { bigint: true }).then(signatureOf, () => null)
}

function signatureOf({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return [dev, ino, size, mtimeNs, ctimeNs].join(':')
}

function errno(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? String(error)
}
