import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { open, readFile } from 'node:fs/promises'
import { supportFile } from '../../paths.ts'
import type { NodeKeeper } from './keeper.ts'

const TAIL_BYTES = 2000

/** A server that runs on a node of the lab, in the node's own cgroup; ends with the node. */
export class NodeProcess {
  readonly #keeper: NodeKeeper
  readonly #command: readonly string[]
  readonly #log: string
  #child: ChildProcess | null = null

  constructor(keeper: NodeKeeper, command: readonly string[], log: string) {
    this.#keeper = keeper
    this.#command = command
    this.#log = log
  }

  get running(): boolean {
    return this.#child !== null && this.#child.exitCode === null && this.#child.signalCode === null
  }

  async start(): Promise<void> {
    if (this.running) return
    const [nsenter = '', ...enter] = this.#keeper.enter
    const output = await open(this.#log, 'a')
    this.#child = spawn(nsenter, [...enter, 'bash', supportFile('kubernetes/node/start-in-node.sh'), ...this.#command], { stdio: ['ignore', output.fd, output.fd], detached: true })
    this.#child.unref()
    await output.close()
  }

  /** As seen from here. Throws if it does not run. */
  async pid(): Promise<number> {
    const entered = this.#child?.pid // waits for the process that it made in the node's pid namespace
    const children = await readFile(`/proc/${entered}/task/${entered}/children`, 'utf8')
    return Number(children.trim())
  }

  /** Resolves when it is gone; what it started goes on. */
  async kill9(): Promise<void> {
    const child = this.#child
    if (!child || !this.running) return
    child.ref()
    const gone = once(child, 'exit')
    process.kill(await this.pid(), 'SIGKILL')
    await gone
  }

  /** What it said last, for a message of failure. */
  async lastWords(): Promise<string> {
    return (await readFile(this.#log, 'utf8')).slice(-TAIL_BYTES)
  }
}
