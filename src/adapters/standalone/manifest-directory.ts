import { createHash } from 'node:crypto'
import { constants, type BigIntStats } from 'node:fs'
import { type FileHandle, open, readdir, stat } from 'node:fs/promises'
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
}

export type FileContent =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array; readonly hash: string }
  | { readonly kind: 'unreadable'; readonly why: string }

/** What a look at the directory showed. */
export type DirectoryLook =
  | { readonly kind: 'read'; readonly identity: DirectoryIdentity; readonly files: ReadonlyMap<string, FileLook> }
  | { readonly kind: 'unreadable'; readonly why: string }

/** Editors' own files: hidden ones, and what vim and Emacs leave (`4913` and `x.yaml~` do not end in .yaml anyway). */
const MANIFEST = /^[^.#].*\.ya?ml$/su

/**
 * Looks at the directory once: which one it is, and the manifests in it. All is read through one descriptor, so that
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

/** Null: gone meanwhile, or no regular file. */
async function lookAtFile(path: string, known: FileLook | undefined): Promise<FileLook | null> {
  try {
    const seen = await stat(path, { bigint: true })
    if (!seen.isFile()) return null
    if (known !== undefined && known.content.kind === 'bytes' && known.signature === signatureOf(seen)) return known
    await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY)
    return await readWhole(file)
  } catch (error) {
    const why = errno(error)
    return why === 'ENOENT' ? null : { signature: why, device: 0n, inode: 0n, content: { kind: 'unreadable', why } }
  }
}

async function readWhole(file: FileHandle): Promise<FileLook | null> {
  const before = await file.stat({ bigint: true })
  if (!before.isFile()) return null
  const buffer = new Uint8Array(Math.min(Number(before.size), LARGEST_BYTES) + 1)
  const bytes = buffer.subarray(0, await fill(file, buffer))
  // the signature is that of *before*: if the file changed while it was read, the next look sees another one
  const hash = createHash('sha256').update(bytes).digest('hex')
  return { signature: signatureOf(before), device: before.dev, inode: before.ino, content: { kind: 'bytes', bytes, hash } }
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

function signatureOf({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return [dev, ino, size, mtimeNs, ctimeNs].join(':')
}

function errno(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? String(error)
}
