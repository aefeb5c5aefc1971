import { createHash } from 'node:crypto'
import { chmod, mkdir, mkdtemp, readdir, rename, rm, stat, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { labCache } from './paths.ts'

const UNUSED_MS = 3 * 24 * 3600_000

/** What tells one version of a program or file from another, without starting anything. */
export const fileStamp = async (path: string): Promise<string> => {
  const { size, mtimeMs } = await stat(path)
  return `${path} ${size} ${mtimeMs}`
}

/** True if the thing is there already and `cached` would return at once. */
export const isCached = (kind: string, ingredients: readonly string[]): Promise<boolean> =>
  stat(directoryOf(kind, ingredients)).then(() => true, () => false)

/**
 * A directory made once by `build` for these ingredients and kept for later runs; whoever comes second uses the first
 * one's. Nothing half-made is ever seen: it is built aside and renamed.
 */
export const cached = async (kind: string, ingredients: readonly string[], build: (into: string) => Promise<void>): Promise<string> => {
  const directory = directoryOf(kind, ingredients)
  const now = new Date()
  if (await utimes(directory, now, now).then(() => true, () => false)) return directory
  await mkdir(labCache(), { recursive: true })
  await removeUnused(kind)
  const aside = await mkdtemp(join(labCache(), `.${kind}-`))
  try {
    await build(aside)
    await chmod(aside, 0o755) // read by a QEMU that is not root
    await rename(aside, directory)
  } catch (error) {
    await rm(aside, { recursive: true, force: true })
    if (!(await isCached(kind, ingredients))) throw error
  }
  return directory
}

const directoryOf = (kind: string, ingredients: readonly string[]): string =>
  join(labCache(), `${kind}-${createHash('sha256').update(ingredients.join('\n')).digest('hex').slice(0, 16)}`)

const removeUnused = async (kind: string): Promise<void> => {
  for (const name of await readdir(labCache())) {
    const path = join(labCache(), name)
    const ageMs = Date.now() - ((await stat(path).catch(() => null))?.mtimeMs ?? Date.now())
    if (name.includes(`${kind}-`) && ageMs > UNUSED_MS) await rm(path, { recursive: true, force: true })
  }
}
