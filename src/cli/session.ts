import type { Client } from './client.ts'

/** What a command works with. */
export interface Session {
  readonly positionals: readonly string[]
  readonly client: Client
  /** The value of a flag; null if it was not given. */
  readonly text: (flag: string) => string | null
  readonly has: (flag: string) => boolean
  readonly namespace: string
  readonly env: Readonly<Record<string, string | undefined>>
  /** A line for the one who asked. */
  readonly print: (line: string) => void
  /** A line that is no result: progress, trouble. */
  readonly warn: (line: string) => void
}
