import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { DesiredProblem } from '../../model/desired.ts'
import type { DesiredSource } from '../../ports/desired-source.ts'
import { writeDurably } from '../linux/durable-file.ts'
import { stateUnwritable } from './state-directory.ts'

const IN_STATE = 'identity'
const IN_RUN = 'state-identity'

/**
 * Whether the state directory is the one that volumes were plugged from: each run directory remembers its state
 * directory. Another one (deleted, or its file system is not mounted) asks for nothing, and that must not be read as a
 * wish to take every disk out (invariant I9). Both directories exist.
 *
 * @returns null if it is, else what a person is to know. Throws HotplugError `StateUnwritable`.
 */
export async function doubtOfState(stateDir: string, runDir: string): Promise<string | null> {
  const own = (await readId(join(stateDir, IN_STATE))) ?? (await writeId(join(stateDir, IN_STATE), randomUUID()))
  const expected = await readId(join(runDir, IN_RUN))
  if (expected === null) await writeId(join(runDir, IN_RUN), own)
  if (expected === null || expected === own) return null
  return `${stateDir} is not the state directory that the volumes of this host were plugged from: what was asked for is not known, so no volume is removed. Mount or restore it and restart hotplugd; if it is lost for good, delete ${join(runDir, IN_RUN)} and restart hotplugd: volumes that nothing asks for are then removed`
}

/** The source without its silence being believed: what it asks for counts, nothing that is absent from it is unwanted. */
export function withDoubt(source: DesiredSource, problems: readonly DesiredProblem[]): DesiredSource {
  return {
    name: source.name,
    start: (listener) => source.start((snapshot) => listener({ ...snapshot, synced: false, problems: [...snapshot.problems, ...problems] })),
    close: () => source.close(),
  }
}

async function readId(path: string): Promise<string | null> {
  try {
    return (await readFile(path, 'utf8')).trim()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw stateUnwritable('read', path, error)
  }
}

async function writeId(path: string, id: string): Promise<string> {
  await writeDurably(path, `${id}\n`)
  return id
}
