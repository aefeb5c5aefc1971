import { connect, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { PATIENCE_MS } from '../wait.ts'

interface Waiting {
  resolve(value: unknown): void
  reject(reason: Error): void
}

/** One connection to the agent in a guest: requests with answers, and events in between. */
export class GuestChannel {
  readonly #socket: Socket
  readonly #name: string
  readonly #waiting = new Map<string, Waiting>()
  readonly #session = Math.random().toString(36).slice(2, 8)
  #count = 0
  #closed: Error | null = null

  private constructor(name: string, socket: Socket, onEvent: (event: unknown) => void) {
    this.#name = name
    this.#socket = socket
    const fail = (error: Error): void => this.#fail(error)
    createInterface(socket).on('line', (line) => this.#hear(line, onEvent)).on('error', fail)
    socket.on('error', fail)
    socket.on('close', () => this.#fail(new Error(`${name}: the guest's channel was closed`)))
    socket.write('\n') // ends what a predecessor may have left half-said
  }

  /** Throws with the system's error if nobody listens there. */
  static open(name: string, path: string, onEvent: (event: unknown) => void): Promise<GuestChannel> {
    return new Promise((resolve, reject) => {
      const socket = connect(path)
      socket.once('error', reject)
      socket.once('connect', () => (socket.off('error', reject), resolve(new GuestChannel(name, socket, onEvent))))
    })
  }

  get closed(): boolean {
    return this.#closed !== null
  }

  /**
   * Throws what the guest's agent answered as an error, or when no answer came in time. `onAnswer` is called before any
   * later event is heard, which an awaiting caller is not.
   */
  ask(request: string, timeoutMs = PATIENCE_MS, onAnswer: (answer: unknown) => void = () => undefined): Promise<unknown> {
    if (this.#closed) return Promise.reject(this.#closed)
    const id = `${this.#session}${this.#count++}`
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#settle(id)?.reject(new Error(`${this.#name}: no answer to "${request.slice(0, 60)}" within ${timeoutMs} ms`)), timeoutMs)
      const done = <T>(end: (value: T) => void) => (value: T) => (clearTimeout(timer), end(value))
      this.#waiting.set(id, { resolve: done((answer) => (onAnswer(answer), resolve(answer))), reject: done(reject) })
      this.#socket.write(`${id} ${request}\n`)
    })
  }

  close(): void {
    this.#socket.destroy()
  }

  #settle(id: string): Waiting | undefined {
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    return waiting
  }

  #fail(error: Error): void {
    this.#closed ??= error
    for (const id of [...this.#waiting.keys()]) this.#settle(id)?.reject(this.#closed)
  }

  #hear(line: string, onEvent: (event: unknown) => void): void {
    const [id = '', verdict = ''] = line.split(' ', 2)
    if (id === 'event') return onEvent(JSON.parse(line.slice(6)))
    const value: unknown = this.#waiting.has(id) ? JSON.parse(line.slice(id.length + verdict.length + 2)) : null
    if (verdict === 'ok') this.#settle(id)?.resolve(value)
    else this.#settle(id)?.reject(new Error(`${this.#name}: ${String(value)}`))
  }
}
