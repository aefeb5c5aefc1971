import { readdirSync } from 'node:fs'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

export const MIB = 1024 * 1024

setFlagsFromString('--expose-gc')
const collect: () => void = runInNewContext('gc')

/** What this process holds, after garbage collection. */
export function held(): { fds: number; threads: number; rss: number } {
  collect()
  return { fds: readdirSync('/proc/self/fd').length, threads: readdirSync('/proc/self/task').length, rss: process.memoryUsage.rss() }
}
