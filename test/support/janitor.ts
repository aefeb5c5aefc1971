import { spawn, type ChildProcess } from 'node:child_process'
import { supportFile } from './paths.ts'

let janitor: ChildProcess | null = null

/** Makes sure that device and directory go even if this process is killed. Costs one small process per test process. */
export const clearAfterDeath = (device: string, directory: string): void => {
  janitor ??= start()
  janitor.stdin?.write(`${device} ${directory}\n`)
}

const start = (): ChildProcess => {
  const child = spawn('bash', [supportFile('janitor.sh')], { stdio: ['pipe', 'ignore', 'ignore'], detached: true })
  child.unref()
  ;(child.stdin as unknown as { unref(): void }).unref()
  return child
}
