import type { Config } from '../config/config.ts'
import type { Finding } from './finding.ts'

/** What the running daemon says of itself. */
export interface RunningDaemon {
  /** As the kernel names the process at the other end of the socket; 0 where it cannot be seen from here. */
  readonly pid: number
  readonly version: string
  /** What /readyz says is not in order. */
  readonly blocking: readonly string[]
  readonly warnings: readonly string[]
}

/** What is looked at. */
export interface Surroundings {
  readonly config: Config
  readonly daemon: RunningDaemon | null
  /** Why the daemon could not be asked; empty where it could. */
  readonly silence: string
}

/** One look. Changes nothing; never throws for what it finds. */
export type Look = (surroundings: Surroundings) => Promise<readonly Finding[]> | readonly Finding[]
