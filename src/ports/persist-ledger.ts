import type { VolumeKey } from '../model/ids.ts'
import type { PersistedDisk } from '../model/record.ts'

/** The agent's own record of what it put into persistent definitions. Survives power loss. */
export interface PersistLedger {
  /** Every entry; read once at start. Entries that cannot be read are told in the log and left alone. */
  entries(): readonly PersistedDisk[]
  /** Resolves when durable. Throws HotplugError `StateUnwritable`. */
  put(entry: PersistedDisk): Promise<void>
  /** Resolves when durable; an absent entry is fine. */
  remove(key: VolumeKey): Promise<void>
}
