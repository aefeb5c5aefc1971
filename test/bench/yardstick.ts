import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { diskXml } from '../../src/core/disk/disk-xml.ts'
import type { DiskPlan } from '../../src/model/disk.ts'
import { PROJECT, run } from '../support/lab.ts'
import type { Scope } from './scope.ts'

/** When a call of libvirt began and ended, by CLOCK_MONOTONIC. */
export interface Timed {
  readonly startMs: number
  readonly endMs: number
}

interface Reply {
  readonly startNs: number
  readonly endNs: number
  readonly digest: string
  readonly error: string | null
}

/** The C program that the agent is measured against, with the very XML that the agent would use. Throws what libvirt said. */
export class Yardstick {
  readonly #child: ChildProcess
  readonly #waiting: ((reply: Reply | null) => void)[] = []

  constructor(child: ChildProcess) {
    this.#child = child
    if (child.stdout === null) throw new Error('the yardstick has no stdout')
    createInterface(child.stdout).on('line', (line) => this.#waiting.shift()?.(JSON.parse(line) as Reply))
    child.once('exit', () => this.#waiting.splice(0).forEach((tell) => tell(null)))
  }

  async attach(domain: string, plan: DiskPlan): Promise<Timed> {
    return timed(await this.#ask('attach', domain, diskXml(plan)))
  }

  /** Returns when QEMU has given the disk up, as virDomainDetachDeviceFlags does. */
  async detach(domain: string, plan: DiskPlan): Promise<Timed> {
    return timed(await this.#ask('detach', domain, diskXml(plan)))
  }

  /** Differs whenever the domain's live XML does. */
  async digest(domain: string): Promise<string> {
    return (await this.#ask('digest', domain, '')).digest
  }

  async #ask(verb: string, domain: string, xml: string): Promise<Reply> {
    const reply = await new Promise<Reply | null>((resolve) => {
      this.#waiting.push(resolve)
      this.#child.stdin?.write(`${verb}\t${domain}\t${xml}\n`)
    })
    if (reply === null) throw new Error('the yardstick ended')
    if (reply.error !== null) throw new Error(`yardstick: ${verb} ${domain}: ${reply.error}`)
    return reply
  }
}

export function durationMs({ startMs, endMs }: Timed): number {
  return endMs - startMs
}

function timed({ startNs, endNs }: Reply): Timed {
  return { startMs: startNs / 1e6, endMs: endNs / 1e6 }
}

/** Compiles the C program; returns its path. Throws what the compiler said. */
export async function compileYardstick(scope: Scope): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'hotplugd-yardstick-'))
  scope.teardown(() => rm(directory, { recursive: true, force: true }))
  const program = join(directory, 'yardstick')
  const flags = (await run('pkg-config', ['--cflags', '--libs', 'libvirt'])).trim().split(/\s+/)
  await run('gcc', ['-O2', '-Wall', '-Wextra', '-o', program, join(PROJECT, 'test/bench/yardstick.c'), ...flags])
  return program
}

/** Connects a yardstick to a libvirt. */
export function startYardstick(scope: Scope, program: string, uri: string): Yardstick {
  const child = spawn(program, [uri], { stdio: ['pipe', 'pipe', 'inherit'] })
  scope.teardown(() => end(child))
  return new Yardstick(child)
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  child.kill('SIGKILL')
  await gone
}
