import type { VmiListObject, VmiObject } from '../../http/objects/vmi-object.ts'
import { createClient, type Client } from '../client.ts'
import { vmiPath, vmisPath } from '../paths.ts'
import { wantedWord, type Meant, type Offer, type Wanted } from '../wanted-word.ts'

/** Who waits at a prompt is not kept longer. */
const PATIENCE_MS = 2_000

/**
 * What the scripts of `hotplugctl completion` ask for: a line for each word that may stand at the cursor, with a tab and
 * what it means; `:path` asks the shell for the names of files. Where the daemon does not answer there are no names.
 */
export async function complete(words: readonly string[], socketPath: string, patienceMs = PATIENCE_MS): Promise<readonly string[]> {
  const wanted = wantedWord(words)
  if (wanted.names === 'path') return [':path']
  const current = (words.at(-1) ?? '').slice(wanted.prefix.length)
  const offers = [...wanted.offers, ...(await namesOf(wanted, createClient(wanted.meant.socket ?? socketPath), AbortSignal.timeout(patienceMs)))]
  // What would steer the terminal, or be taken for a second word, cannot be offered.
  return offers.filter(({ word }) => word.startsWith(current) && !/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(word)).map(({ word, doc }) => `${wanted.prefix}${word}\t${doc}`)
}

async function namesOf({ names, meant }: Wanted, client: Client, signal: AbortSignal): Promise<readonly Offer[]> {
  if (names === null) return []
  try {
    return names === 'volume' || names === 'hotplugged' ? await volumes(client, meant, { isAll: names === 'volume', signal }) : await vms(client, names, { meant, signal })
  } catch {
    return []
  }
}

async function vms(client: Client, names: string, { meant, signal }: { readonly meant: Meant; readonly signal: AbortSignal }): Promise<readonly Offer[]> {
  const { items } = await client.get<VmiListObject>(vmisPath(names === 'namespace' ? null : meant.namespace), signal)
  if (names === 'vm') return items.map(({ metadata, status }) => ({ word: metadata.name, doc: status.printableStatus }))
  return [...new Set(items.map(({ metadata }) => metadata.namespace))].map(word => ({ word, doc: '' }))
}

async function volumes(client: Client, { namespace, vm }: Meant, { isAll, signal }: { readonly isAll: boolean; readonly signal: AbortSignal }): Promise<readonly Offer[]> {
  if (vm === null) return []
  const { status } = await client.get<VmiObject>(vmiPath(namespace, vm), signal)
  return status.volumeStatus.filter(({ hotplugVolume, persisted }) => isAll || hotplugVolume !== undefined || persisted === true).map(({ name, phase = '', target }) => ({ word: name, doc: [phase, target].filter(part => part !== '').join(' ') }))
}
