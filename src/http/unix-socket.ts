import { chmod, chown, lstat, mkdtemp, rename, rm, unlink } from 'node:fs/promises'
import { connect } from 'node:net'
import { dirname, join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import { HotplugError } from '../errors.ts'

/**
 * Listens at `path`, mode 0660 and owned by `gid` (null: our own group) from the first moment on: the socket is made in a
 * directory that nobody else can enter, and then moved. Replaces the socket of a daemon that is dead. Returns what
 * removes it again. Throws HotplugError `NodeLocked` if somebody serves there, `ConfigInvalid` if it cannot be made.
 */
export async function listenAt(app: FastifyInstance, path: string, gid: number | null): Promise<() => Promise<void>> {
  await refuseTaken(path)
  const nest = await mkdtemp(join(dirname(path), '.s')).catch(error => cannotListen(path, error))
  try {
    const born = join(nest, 's')
    await app.listen({ path: born })
    await chown(born, process.getuid?.() ?? 0, gid ?? process.getgid?.() ?? 0)
    await chmod(born, 0o660)
    const { ino } = await lstat(born)
    await rename(born, path)
    return () => removeOwn(path, ino)
  } catch (error) {
    await app.close()
    return cannotListen(path, error)
  } finally {
    await rm(nest, { recursive: true, force: true })
  }
}

function cannotListen(path: string, error: unknown): never {
  throw new HotplugError('ConfigInvalid', `cannot listen on ${path}: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
}

async function refuseTaken(path: string): Promise<void> {
  const found = await lstat(path).catch(() => null)
  if (found === null) return
  if (!found.isSocket()) throw new HotplugError('ConfigInvalid', `${path} exists and is not a socket`, { remedy: 'Remove it, or choose another --socket.' })
  if (!(await isServed(path))) return
  throw new HotplugError('NodeLocked', `another process serves ${path}`, { remedy: 'Stop the other hotplugd, or choose another --socket.' })
}

/** Only a refused connection proves that nobody listens; any other answer, a full queue too, counts as served. */
function isServed(path: string): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(path)
    socket.on('connect', () => resolve(true))
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT'))
    socket.on('connect', () => socket.destroy())
  })
}

/** Not the socket of a successor that has taken the place. */
async function removeOwn(path: string, ino: number): Promise<void> {
  const found = await lstat(path).catch(() => null)
  if (found?.ino === ino) await unlink(path).catch(() => undefined)
}
