import { open, unlink } from 'node:fs/promises'
import { hostname } from 'node:os'
import { gzipSync } from 'node:zlib'
import { gather } from './bundle-contents.ts'
import { EXIT, Failure, usageFailure } from '../failure.ts'
import type { Session } from '../session.ts'
import { tar } from './tar.ts'

/** `hotplugctl bundle [-o FILE.tar.gz] [-- FLAGS OF HOTPLUGD]`. */
export async function bundle(session: Session): Promise<void> {
  const now = new Date()
  const name = `hotplugd-bundle-${hostname().replace(/[^\w.-]/g, '_').slice(0, 40)}-${now.toISOString().replace(/[-:]|\.\d+/g, '')}`
  const path = session.text('output') ?? `${name}.tar.gz`
  if (path === '') throw usageFailure('flag --output is empty', 'bundle')
  const file = await openNew(path)
  try {
    const { files, missing } = await gather(session, now)
    await file.writeFile(gzipSync(tar(files.map(({ path: inside, text }) => ({ path: `${name}/${inside}`, text })), now)))
    for (const { path: inside, why } of missing) session.warn(`left out ${inside}: ${why}`)
    session.print(`${path} has ${files.length} files. Passwords, tokens and keys are blotted out; names and paths are not: look into it before you pass it on.`)
  } catch (thrown) {
    await unlink(path)
    throw thrown
  } finally {
    await file.close()
  }
}

/** Readable for nobody else from the first moment on; never one that is there, be it a link. */
async function openNew(path: string): Promise<Awaited<ReturnType<typeof open>>> {
  try {
    return await open(path, 'wx', 0o600)
  } catch (thrown) {
    const isThere = thrown instanceof Error && 'code' in thrown && thrown.code === 'EEXIST'
    const why = isThere ? `${path} is there already` : `${path} cannot be written: ${thrown instanceof Error ? thrown.message : String(thrown)}`
    throw new Failure(EXIT.refused, why, 'Name another file with --output.')
  }
}
