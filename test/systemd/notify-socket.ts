import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { PROJECT, type Teardown, until } from '../support/lab.ts'

/** The notify socket of a service manager, and everything that was said there. */
export class NotifySocket {
  /** For NOTIFY_SOCKET. */
  readonly address: string
  /** Every assignment in the order of arrival: `READY=1`. */
  readonly heard: string[] = []
  readonly #listener: ChildProcess

  constructor(address: string, listener: ChildProcess) {
    this.address = address
    this.#listener = listener
  }

  of(name: string): string[] {
    return this.heard.filter((line) => line.startsWith(`${name}=`)).map((line) => line.slice(name.length + 1))
  }

  /** Waits for an assignment that matches. */
  async hears(pattern: RegExp): Promise<string> {
    return until(`${pattern} on the notify socket`, () => {
      const found = this.heard.find((line) => pattern.test(line))
      if (found === undefined) throw new Error([...new Set(this.heard)].join(' | '))
      return found
    })
  }

  /** Waits for one more of that name. */
  async hearsMore(name: string): Promise<void> {
    const before = this.of(name).length
    await until(`another ${name}`, () => this.of(name).length > before)
  }

  /** To the listener: SIGSTOP lets its queue fill. */
  signal(signal: NodeJS.Signals): void {
    this.#listener.kill(signal)
  }

  async close(): Promise<void> {
    if (this.#listener.exitCode !== null || this.#listener.signalCode !== null) return
    this.#listener.kill('SIGKILL')
    await once(this.#listener, 'exit')
  }
}

/** Binds a path, or an abstract name that begins with @; gone with the test. */
export async function listenForNotifications(t: Teardown, address: string): Promise<NotifySocket> {
  const listener = spawn('setpriv', ['--pdeathsig', 'KILL', 'python3', `${PROJECT}/test/systemd/listen.py`, address], { stdio: ['ignore', 'pipe', 'inherit'] })
  const socket = new NotifySocket(address, listener)
  t.teardown(() => socket.close())
  const lines = createInterface(listener.stdout)
  lines.on('line', (line) => socket.heard.push(...(JSON.parse(line) as string).split('\n')))
  await once(lines, 'line')
  socket.heard.length = 0
  return socket
}
