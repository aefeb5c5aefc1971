import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { DesiredVolume } from '../../model/desired.ts'
import type { VmKey } from '../../model/ids.ts'
import { writeDurably } from '../linux/durable-file.ts'
import type { DirectoryIdentity } from './directory-identity.ts'
import type { VmManifest } from './manifest-file.ts'
import { seal, unseal } from './sealed-file.ts'

/** The last good reading of one manifest file. */
export interface FileRecord {
  /** Of the bytes that were read. */
  readonly hash: string
  /** Where it was read: only if it is missing from the same directory it was deleted. */
  readonly directory: DirectoryIdentity
  readonly manifests: readonly VmManifest[]
  /** Names of volumes (`VM/VOLUME`) that an earlier directory's file of this name wanted and this one does not. */
  readonly kept: readonly string[]
}

/** What manifests want, and what of them was read last: all that must be known to tell a deleted file from a lost directory. */
export interface ManifestLedger {
  /** By file name. */
  readonly files: Readonly<Record<string, FileRecord>>
  /** What is wanted of each VM; lags behind `files` while two of them name the VM. */
  readonly vms: Readonly<Record<VmKey, readonly DesiredVolume[]>>
}

export const EMPTY_LEDGER: ManifestLedger = { files: {}, vms: {} }
const KIND = 'manifests'

/** What was found in `stateDir/manifests.json`; null with the reason if it cannot be used, empty if it is not there. */
export function loadLedger(stateDir: string): { readonly ledger: ManifestLedger | null; readonly why: string } {
  try {
    const unsealed = unseal(KIND, readFileSync(ledgerPath(stateDir), 'utf8'))
    return unsealed.ok ? { ledger: unsealed.value as ManifestLedger, why: '' } : { ledger: null, why: unsealed.why }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    return code === 'ENOENT' ? { ledger: EMPTY_LEDGER, why: '' } : { ledger: null, why: String(code ?? error) }
  }
}

/** Resolves when durable. Throws HotplugError `StateUnwritable`. */
export async function saveLedger(stateDir: string, ledger: ManifestLedger): Promise<void> {
  await writeDurably(ledgerPath(stateDir), seal(KIND, ledger))
}

/** Where the ledger is kept. */
export function ledgerPath(stateDir: string): string {
  return join(stateDir, 'manifests.json')
}
