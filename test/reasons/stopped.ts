import { readFile } from 'node:fs/promises'
import type { Test } from 'tap'
import { until } from '../support/lab.ts'

/** Stops a process, as a hang does; returns what lets it go on, which the end of the test does too. */
export function stop(t: Test, pid: number): () => void {
  const goOn = (): void => void process.kill(pid, 'SIGCONT')
  process.kill(pid, 'SIGSTOP')
  t.teardown(goOn)
  return goOn
}

/** Waits until the process stands still, stopped by itself. */
export async function stopped(pid: number): Promise<void> {
  await until(`process ${pid} to stand still`, async () => (await readFile(`/proc/${pid}/stat`, 'utf8')).includes(') T '))
}
