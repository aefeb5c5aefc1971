import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import type { Credentials } from '../../../src/adapters/kubernetes/api/credentials.ts'
import { ApiClient, type ApiClientOptions } from '../../../src/adapters/kubernetes/api/api-client.ts'
import { systemClock } from '../../../src/adapters/system-clock.ts'

/** A request as the server got it. */
export interface Asked {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: IncomingMessage['headers']
  readonly body: string
  readonly atMs: number
}

export type Handler = (asked: Asked, reply: ServerResponse) => void

/** A hand-written API server on loopback: answers as the test says, and faults where the test wants them. */
export class LoopbackApi {
  readonly asked: Asked[] = []
  handler: Handler = (_asked, reply) => answer(reply, 404, { kind: 'Status', message: 'not found' })
  readonly #server: Server

  private constructor() {
    this.#server = createServer((request, reply) => void this.#serve(request, reply))
  }

  static async start(teardown: { teardown(fn: () => Promise<void>): void }): Promise<LoopbackApi> {
    const api = new LoopbackApi()
    await api.listen(0)
    teardown.teardown(() => api.stop())
    return api
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  async listen(port: number): Promise<void> {
    this.#server.listen(port, '127.0.0.1')
    await once(this.#server, 'listening')
  }

  /** At once, with every connection. */
  async stop(): Promise<void> {
    if (!this.#server.listening) return
    const closed = once(this.#server, 'close')
    this.#server.close()
    this.#server.closeAllConnections()
    await closed
  }

  watches(): Asked[] {
    return this.asked.filter(({ query }) => query.get('watch') === 'true')
  }

  lists(): Asked[] {
    return this.asked.filter(({ method, query }) => method === 'GET' && query.get('watch') === null)
  }

  client(options: Partial<ApiClientOptions> = {}): ApiClient {
    return new ApiClient({ credentials: plainCredentials(this.port), clock: systemClock, ...options })
  }

  async #serve(request: IncomingMessage, reply: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://loopback')
    const chunks: Buffer[] = []
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
    const asked = { method: request.method ?? '', path: pathname, query: searchParams, headers: request.headers, body: Buffer.concat(chunks).toString(), atMs: performance.now() }
    this.asked.push(asked)
    this.handler(asked, reply)
  }
}

export function plainCredentials(port: number): Credentials {
  const access = { headers: { authorization: 'Bearer t' }, tls: {} }
  return { server: `http://127.0.0.1:${port}`, access: async () => access, refused() {} }
}

export function answer(reply: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  reply.writeHead(status, { 'content-type': 'application/json', ...headers })
  reply.end(JSON.stringify(body))
}

export function listOf(items: readonly unknown[], resourceVersion: string, token?: string): unknown {
  return { kind: 'List', metadata: { resourceVersion, ...(token && { continue: token }) }, items }
}

/** Sends watch events and leaves the watch open. */
export function tell(reply: ServerResponse, ...events: readonly { type: string; object: unknown }[]): void {
  if (!reply.headersSent) reply.writeHead(200, { 'content-type': 'application/json' })
  reply.flushHeaders()
  for (const event of events) reply.write(`${JSON.stringify(event)}\n`)
}

/** An object with nothing but its metadata. */
export function thing(name: string, uid: string, resourceVersion: string, extra: Record<string, unknown> = {}): Record<string, unknown> {
  return { metadata: { name, namespace: 'default', uid, resourceVersion, managedFields: [{ manager: 'x' }] }, ...extra }
}
