import { blotOut } from '../core/blot-out.ts'
import { lookAtCapabilities } from './capabilities.ts'
import { lookAtCgroups } from './cgroups.ts'
import { lookAtDaemon } from './daemon.ts'
import { lookAtDirectories } from './directories.ts'
import { failed, wordsOf, type Finding } from './finding.ts'
import { lookAtKernel } from './kernel.ts'
import { lookAtListener } from './listener.ts'
import { lookAtProcesses } from './processes.ts'
import { lookAtSocket } from './socket.ts'
import type { Look, Surroundings } from './surroundings.ts'

const EVERYWHERE: readonly Look[] = [lookAtDaemon, lookAtKernel, lookAtCapabilities, lookAtProcesses, lookAtCgroups, lookAtDirectories, lookAtSocket, lookAtListener]

/** Everything that hotplugd needs here: is it there, and how is it mended? Changes nothing. */
export async function examine(surroundings: Surroundings): Promise<readonly Finding[]> {
  const looks = [...EVERYWHERE, ...(await looksOfMode(surroundings))]
  const found = await Promise.all(looks.map(async (look) => inPeace(look, surroundings)))
  return found.flat().map(({ evidence, ...rest }) => ({ ...rest, evidence: blotOut(evidence) }))
}

/** What a mode needs is loaded only for it: the one has no libvirt library, the other no cluster. */
async function looksOfMode({ config }: Surroundings): Promise<readonly Look[]> {
  if (config.mode === 'standalone') {
    const { lookAtLibvirts } = await import('./libvirts.ts')
    return [lookAtLibvirts]
  }
  const [{ lookAtCluster }, { lookAtNode }] = await Promise.all([import('./cluster.ts'), import('./node.ts')])
  return [lookAtCluster, lookAtNode]
}

/** A look that stumbles is told like what it found; the others go on. */
async function inPeace(look: Look, surroundings: Surroundings): Promise<readonly Finding[]> {
  try {
    return await look(surroundings)
  } catch (thrown) {
    return [failed(look.name.replace(/^lookAt/, '').toLowerCase(), `could not be looked at: ${wordsOf(thrown)}`, 'Report this as a bug, with these words.')]
  }
}
