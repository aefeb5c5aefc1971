import { fileURLToPath } from 'node:url'
import { until } from '../support/lab.ts'
import { LOOP_DELAY } from './loop-delay-words.ts'
import type { Subject } from './subject.ts'

/** For an agent whose event loop is to be watched: it has no such timer itself. */
export const WATCHED = { NODE_OPTIONS: `--import=${fileURLToPath(new URL('loop-delay-monitor.js', import.meta.url))}` }

/** The event loop's delay since it was last asked for, of an agent that runs with `WATCHED`. */
export async function loopDelayP99Ms({ daemon }: Subject): Promise<number> {
  const before = (await told(daemon.log())).length
  daemon.child.kill('SIGUSR2')
  return until('the delay of the event loop', async () => (await told(daemon.log()))[before])
}

async function told(log: Promise<string>): Promise<number[]> {
  const lines = (await log).split('\n').filter((line) => line.startsWith(LOOP_DELAY))
  return lines.map((line) => Number(line.slice(LOOP_DELAY.length)))
}
