import type { BaseLogger } from 'pino'

/** What this room needs of a logger. */
export type Log = Pick<BaseLogger, 'debug' | 'info' | 'warn' | 'error'>
