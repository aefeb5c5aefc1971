import type { VmStatus } from '../../model/status.ts'
import type { PatchOperation } from './json-patch.ts'
import type { Vmi } from './vmi.ts'
import { type EntryChange, entryChange, entryPatch } from './vmi-volume-entry.ts'

/** Everything that is to be written into a VMI's status now, given what the engine says of the VM. Pure. */
export function entryChanges(vmi: Vmi, status: VmStatus, isSilent: boolean): EntryChange[] {
  const said = new Map(status.volumes.map((volume) => [volume.name, volume]))
  return vmi.entries.flatMap((entry) => {
    const volume = said.get(entry.name) ?? null
    if (volume === null && !isListed(status)) return []
    return entryChange({ entry, isWanted: vmi.volumeNames.has(entry.name), status: volume, isSilent }) ?? []
  })
}

/** The changes as one patch. Another VMI may have taken the name while it is on its way: then nothing is changed. */
export function statusPatch({ uid }: Vmi, changes: readonly EntryChange[]): PatchOperation[] {
  if (changes.length === 0) return []
  return [{ op: 'test', path: '/metadata/uid', value: uid }, ...changes.flatMap(entryPatch)]
}

/** Whether both change the same to the same. */
export function sameChanges(a: readonly EntryChange[], b: readonly EntryChange[]): boolean {
  const told = (changes: readonly EntryChange[]): string => JSON.stringify(changes.map(({ entry, words }) => [entry.name, entry.phase, words.phase, words.reason, words.message, words.target]))
  return told(a) === told(b)
}

/** Whether a disk that is not named is not there: only a domain that was read tells that. */
function isListed({ state }: VmStatus): boolean {
  return state === 'Running' || state === 'Paused'
}
