import type { VmiObject } from '../http/objects/vmi-object.ts'

/** What `get` lists: the columns, and the rows of one VM. Each row begins with what identifies it. */
export interface Columns {
  readonly head: readonly string[]
  readonly rows: (vmi: VmiObject) => readonly (readonly string[])[]
  /** How many cells at the beginning of a row identify it. */
  readonly keyCells: number
}
