import { execFile } from 'node:child_process'

/** A command that failed; the message holds the command line and what it said on stderr. */
export class CommandError extends Error {
  override readonly name = 'CommandError'
  readonly exitCode: number | null
  readonly stderr: string
  constructor(commandLine: string, exitCode: number | null, stderr: string) {
    super(`${commandLine}: ${stderr.trim() || `ended with ${exitCode}`}`)
    this.exitCode = exitCode
    this.stderr = stderr
  }
}

/** Runs a program to its end and returns what it printed. Throws CommandError; killed after `timeoutMs`. @default 60_000 */
export const run = (file: string, args: readonly string[], timeoutMs = 60_000): Promise<string> =>
  new Promise((resolve, reject) => {
    const options = { timeout: timeoutMs, killSignal: 'SIGKILL', maxBuffer: 1 << 26, encoding: 'utf8' } as const
    execFile(file, args, options, (error, stdout, stderr) => {
      if (!error) return resolve(stdout)
      const exitCode = typeof error.code === 'number' ? error.code : null
      const said = error.killed ? `no end after ${timeoutMs} ms. ${stderr}` : stderr || error.message
      reject(new CommandError([file, ...args].join(' '), exitCode, said))
    })
  })
