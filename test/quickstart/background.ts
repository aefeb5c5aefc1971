import { fork } from 'node:child_process'
import { once } from 'node:events'

const CHILD = 'LAB_QUICKSTART_KEPT'

/** True in the process that stays. */
export const isKept = (): boolean => process.env[CHILD] === '1'

/**
 * Runs this program again as a process that outlives the terminal, shows what it says until it says that it is done (or
 * ends), and returns its exit code so far.
 */
export const runKept = async (): Promise<number> => {
  const child = fork(process.argv[1] as string, process.argv.slice(2), { detached: true, stdio: ['ignore', 'pipe', 'pipe', 'ipc'], env: { ...process.env, [CHILD]: '1' } })
  child.stdout?.pipe(process.stdout)
  child.stderr?.pipe(process.stderr)
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill('SIGTERM'))
  const ended = once(child, 'exit').then(([code]) => (code as number | null) ?? 1)
  const done = once(child, 'message').then(() => 0)
  const code = await Promise.race([ended, done])
  for (const part of [child, child.stdout, child.stderr] as unknown as { unref(): void }[]) part.unref()
  if (child.connected) child.disconnect()
  return code
}

/** Tells the process that shows our words that nothing more comes, and waits to be ended. */
export const stay = async (ending: AbortSignal): Promise<void> => {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined)
  process.send?.('done')
  if (!ending.aborted) await once(ending, 'abort')
}
