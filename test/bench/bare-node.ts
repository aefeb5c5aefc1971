import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { monotonicMs } from './clocks.ts'
import { rssMiB } from './process-facts.ts'
import type { Scope } from './scope.ts'
import { median } from './statistics.ts'

/** A garbage collector takes its time to give back what a burst took. */
const SETTLE_MS = 20_000
const LOOKS = 5
const LOOK_EVERY_MS = 1_000

/** `node -e 0`, begin to end. */
export async function nodeStartMs(): Promise<number> {
  const beginMs = monotonicMs()
  await once(spawn(process.execPath, ['-e', '0'], { stdio: 'ignore' }), 'exit')
  return monotonicMs() - beginMs
}

/** A node that does nothing. */
export async function bareNodeRssMiB(scope: Scope): Promise<number> {
  const bare = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)'], { stdio: 'ignore' })
  scope.teardown(() => stopped(bare))
  return settledRssMiB(bare.pid ?? 0)
}

async function stopped(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  child.kill('SIGKILL')
  await gone
}

/** After a while, the median of some looks. */
export async function settledRssMiB(pid: number): Promise<number> {
  await sleep(SETTLE_MS)
  const looks: number[] = []
  for (let i = 0; i < LOOKS; i++) {
    looks.push(await rssMiB(pid))
    await sleep(LOOK_EVERY_MS)
  }
  return median(looks)
}
