import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Test } from 'tap'
import type { ProcessRef } from '../../../src/model/domain.ts'
import { run } from '../../support/command.ts'
import { scratch } from './scratch.ts'

/** Compiled files lie below out/, the C sources do not. */
const FIXTURES = join(import.meta.dirname.replace('/out/test/', '/test/'), 'fixtures')

/** Compiles one of fixtures/*.c. */
export async function compile(t: Test, name: string): Promise<string> {
  const program = join(await scratch(t), name)
  await run('cc', ['-O1', '-pthread', '-o', program, join(FIXTURES, `${name}.c`)])
  return program
}

/** Starts a program that says when it is ready; it is killed after the test. */
export async function start(t: Test, program: string, ...args: readonly string[]): Promise<ChildProcess> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => kill(child))
  await Promise.race([once(child.stdout, 'data'), once(child, 'exit').then(() => Promise.reject(new Error(`${program} ended`)))])
  return child
}

export async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exit = once(child, 'exit')
  child.kill('SIGKILL')
  await exit
}

/** The process with its start time. */
export async function refOf(pid: number | undefined): Promise<ProcessRef> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8')
  const startTime = text.slice(text.lastIndexOf(')') + 2).split(' ')[19]
  return { pid: pid ?? 0, startTime: startTime ?? '' }
}
