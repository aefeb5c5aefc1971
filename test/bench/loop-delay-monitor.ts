/** Loaded into the agent before itself: at SIGUSR2 it tells how late its event loop was since the last time. */
import { writeSync } from 'node:fs'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { LOOP_DELAY, RESOLUTION_MS } from './loop-delay-words.ts'

const STDERR = 2
const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
delay.enable()
process.on('SIGUSR2', () => {
  writeSync(STDERR, `${LOOP_DELAY}${delay.percentile(99) / 1e6}\n`)
  delay.reset()
})
