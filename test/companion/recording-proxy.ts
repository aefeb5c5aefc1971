import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { Agent, request } from 'node:https'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import type { Credentials } from '../../src/adapters/kubernetes/api/credentials.ts'

/** An API server to forward to, and as whom. */
export interface Upstream {
  readonly url: string
  readonly caFile: string
  readonly token: string
}

/** A stretch of the way to an API server on which every request is written down: `GET /api/v1/pods`. */
export class RecordingProxy implements AsyncDisposable {
  readonly requests: string[] = []
  readonly #upstream: Upstream
  readonly #agent: Agent
  readonly #server = createServer((incoming, reply) => {
    this.requests.push(`${incoming.method} ${new URL(incoming.url ?? '/', 'http://proxy').pathname}`)
    const headers = { ...incoming.headers, authorization: `Bearer ${this.#upstream.token}`, host: new URL(this.#upstream.url).host }
    const outgoing = request(this.#upstream.url + incoming.url, { method: incoming.method, headers, agent: this.#agent }, (answer) => {
      reply.writeHead(answer.statusCode ?? 502, answer.headers)
      reply.flushHeaders()
      answer.pipe(reply)
      answer.on('error', () => reply.destroy())
    })
    outgoing.on('error', () => reply.destroy())
    reply.on('close', () => outgoing.destroy())
    incoming.pipe(outgoing)
  })

  private constructor(upstream: Upstream) {
    this.#upstream = upstream
    this.#agent = new Agent({ ca: readFileSync(upstream.caFile), keepAlive: true })
  }

  static async start(upstream: Upstream): Promise<RecordingProxy> {
    const proxy = new RecordingProxy(upstream)
    proxy.#server.listen(0, '127.0.0.1')
    await once(proxy.#server, 'listening')
    return proxy
  }

  /** Leads through the proxy. */
  get credentials(): Credentials {
    const access = { headers: {}, tls: {} }
    return { server: `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`, access: async () => access, refused() {} }
  }

  /** Everything that is not just reading. */
  writes(): string[] {
    return this.requests.filter((asked) => !asked.startsWith('GET '))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#agent.destroy()
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }
}
