import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, open, readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { CommandError, PROJECT, run, until } from '../support/lab.ts'

const DAEMON = join(PROJECT, 'out/src/main.js')
const CTL = join(PROJECT, 'out/src/cli/main.js')
const USUAL_PORT = 9480

/** The real daemon, as its own process, with directories of its own. */
export class Hotplugd {
  readonly #process: ChildProcess
  readonly socket: string
  readonly manifestDir: string
  /** Where probes and metrics are. */
  readonly origin: string

  constructor(process: ChildProcess, directory: string, port: number) {
    this.#process = process
    this.socket = socketOf(directory)
    this.manifestDir = join(directory, 'vms.d')
    this.origin = `http://127.0.0.1:${port}`
  }

  get pid(): number {
    return this.#process.pid as number
  }

  /** Runs hotplugctl and returns what it printed; throws CommandError. */
  ctl(args: readonly string[]): Promise<string> {
    return run(process.execPath, [CTL, `--socket=${this.socket}`, ...args])
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return
    const gone = once(this.#process, 'exit')
    this.#process.kill('SIGTERM')
    await gone
  }
}

const socketOf = (directory: string): string => join(directory, 'run/hotplugd.sock')

/** Starts the daemon for that libvirt and resolves when it says that it is ready. Ends with this process in any case. */
export const startHotplugd = async (directory: string, libvirtUri: string): Promise<Hotplugd> => {
  await mkdir(join(directory, 'vms.d'))
  const port = await freePort()
  const log = await open(join(directory, 'hotplugd.log'), 'w')
  const child = spawn('setpriv', ['--pdeathsig', 'TERM', process.execPath, DAEMON, ...flags(directory, libvirtUri, port)], {
    stdio: ['ignore', log.fd, log.fd],
    detached: true, // Ctrl-C is for us; the daemon ends after us
  })
  await log.close()
  const daemon = new Hotplugd(child, directory, port)
  await until('hotplugd to be ready', () => isReady(child, daemon.origin, directory)).catch(async (error: unknown) => {
    await daemon.stop()
    throw error
  })
  return daemon
}

const flags = (directory: string, libvirtUri: string, port: number): string[] => [
  '--mode=standalone',
  `--libvirt-uri=${libvirtUri}`,
  `--state-dir=${join(directory, 'state')}`,
  `--run-dir=${join(directory, 'run')}`,
  `--manifest-dir=${join(directory, 'vms.d')}`,
  `--socket=${socketOf(directory)}`,
  `--listen=127.0.0.1:${port}`,
]

const isReady = async (child: ChildProcess, origin: string, directory: string): Promise<boolean> => {
  if (child.exitCode !== null) throw new CommandError('hotplugd', child.exitCode, await readFile(join(directory, 'hotplugd.log'), 'utf8'))
  return (await fetch(`${origin}/readyz`)).ok
}

const freePort = (): Promise<number> => tryPort(USUAL_PORT).catch(() => tryPort(0))

const tryPort = async (wanted: number): Promise<number> => {
  const server = createServer().listen(wanted, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}
