import type { VolumeKey } from '../model/ids.ts'
import type { VolumeRecord } from '../model/record.ts'

/** What was found when the journal was opened. */
export interface JournalContents {
  readonly records: readonly VolumeRecord[]
  /** Why some of it could not be used (torn, corrupt, another boot or version); nothing is undone on doubt. */
  readonly doubts: readonly string[]
}

/**
 * The exposure journal: survives SIGKILL of the agent, not power loss. Appends are synchronous so that the order of the
 * file is the order of the acts. One writer only.
 */
export interface Journal {
  load(): JournalContents
  /** Writes the record's new step *before* returning. Throws HotplugError `JournalUnwritable`. */
  append(record: VolumeRecord): void
  /** The volume is gone entirely; its record is dropped. */
  forget(key: VolumeKey): void
  close(): void
}
