import { join } from 'node:path'
import { type VolumeKey, volumeId } from '../../model/ids.ts'
import type { PersistedDisk } from '../../model/record.ts'
import type { LedgerStep } from '../../model/steps.ts'
import type { PersistLedger } from '../../ports/persist-ledger.ts'
import { KeyedFiles } from './keyed-files.ts'
import type { StateOptions } from './request-store.ts'
import { openStateDirectory } from './state-directory.ts'

export interface PersistLedgerOptions extends StateOptions {
  /** Called around each durable step. */
  readonly onStep?: (when: 'before' | 'after', step: LedgerStep) => void
}

/**
 * Opens the ledger of persisted disks: one file a disk below `stateDir/persisted`. An entry that cannot be used is told
 * in the log and left alone, and so is the disk it stood for: without the entry it is not ours to take out.
 * Throws HotplugError `StateUnwritable` or `StateFromNewerVersion`.
 */
export async function openPersistLedger({ stateDir, log, onStep }: PersistLedgerOptions): Promise<PersistLedger> {
  await openStateDirectory(stateDir)
  const files = new KeyedFiles(join(stateDir, 'persisted'), 'persisted', log)
  const { entries, unusable } = files.load()
  for (const { path, why } of unusable) log.error({ path, why }, 'entry of a persisted disk cannot be used, the disk is left alone')
  return new FileLedger(files, entries.map(({ value }) => value as PersistedDisk), onStep)
}

class FileLedger implements PersistLedger {
  readonly #files: KeyedFiles
  readonly #entries = new Map<string, PersistedDisk>()
  readonly #onStep: NonNullable<PersistLedgerOptions['onStep']>

  constructor(files: KeyedFiles, entries: readonly PersistedDisk[], onStep: PersistLedgerOptions['onStep']) {
    this.#files = files
    this.#onStep = onStep ?? (() => {})
    for (const entry of entries) this.#entries.set(volumeId(entry.key), entry)
  }

  entries(): readonly PersistedDisk[] {
    return [...this.#entries.values()]
  }

  async put(entry: PersistedDisk): Promise<void> {
    const step = entry.state === 'intended' ? 'persistIntended' : 'persistDone'
    await this.#stepping(step, () => this.#files.put(entry.key, entry))
    this.#entries.set(volumeId(entry.key), entry)
  }

  async remove(key: VolumeKey): Promise<void> {
    await this.#stepping('persistDropped', () => this.#files.remove(key))
    this.#entries.delete(volumeId(key))
  }

  async #stepping(step: LedgerStep, save: () => Promise<void>): Promise<void> {
    this.#onStep('before', step)
    await save()
    this.#onStep('after', step)
  }
}
