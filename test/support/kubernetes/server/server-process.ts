import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { open, readFile } from 'node:fs/promises'

const TAIL_BYTES = 2000

/** How a server is started. */
export interface ServerCommand {
  readonly file: string
  readonly args: readonly string[]
  /** What it says goes there. */
  readonly log: string
  /** Of a process whose network it shares; none: this process's own. */
  readonly networkOf?: number | undefined
}

/** A server that can be killed and started again, and that the kernel kills when this process is gone, however that ends. */
export class ServerProcess {
  readonly #command: ServerCommand
  #child: ChildProcess | null = null

  constructor(command: ServerCommand) {
    this.#command = command
  }

  get running(): boolean {
    return this.#child !== null && this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** Throws if it does not run. */
  get pid(): number {
    if (!this.running) throw new Error(`${this.#command.file} does not run`)
    return this.#child?.pid as number
  }

  async start(): Promise<void> {
    if (this.running) return
    const { file, args, log, networkOf } = this.#command
    const output = await open(log, 'a')
    const enter = networkOf === undefined ? [] : ['nsenter', `--net=/proc/${networkOf}/ns/net`]
    this.#child = spawn('setpriv', ['--pdeathsig', 'KILL', ...enter, file, ...args], { stdio: ['ignore', output.fd, output.fd], detached: true })
    this.#child.unref()
    await output.close()
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal)
  }

  /** Resolves when it is gone; at once if it does not run. */
  async end(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.#child
    if (!child || !this.running) return
    child.ref()
    const gone = once(child, 'exit')
    child.kill(signal)
    child.kill('SIGCONT')
    await gone
  }

  /** What it said last, for a message of failure. */
  async lastWords(): Promise<string> {
    return (await readFile(this.#command.log, 'utf8')).slice(-TAIL_BYTES)
  }
}
