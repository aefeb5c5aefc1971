import { type Agent as PlainAgent, type ClientRequest, type IncomingMessage, type RequestOptions } from 'node:http'
import http from 'node:http'
import https from 'node:https'
import { VERSION } from '../../../version.ts'
import type { Access, Credentials, TlsIdentity } from './credentials.ts'

/** One request to the API server. */
export interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'PATCH'
  /** Path and query below the server's address. */
  readonly path: string
  readonly body?: string
  readonly contentType?: string
}

/** On what a request goes out; `agent: false`: on a connection of its own. */
interface Connection {
  readonly signal: AbortSignal
  readonly agent: PlainAgent | false
}

/** Connections may idle this long; load balancers in front of API servers give up after a minute or more. */
const IDLE_MS = 45_000

/**
 * HTTP to one API server over connections that are kept. Node's own client: a watch has to see each line, the bad ones
 * too, and whether the connection says anything at all, which client-node's Watch hides.
 */
export class Transport {
  readonly #credentials: Credentials
  readonly #base: URL
  #tls: TlsIdentity | null = null
  #agent: PlainAgent | null = null

  constructor(credentials: Credentials) {
    this.#credentials = credentials
    this.#base = new URL(credentials.server)
  }

  /** Resolves with the answer's head; its body is still to come. Aborting the signal ends either. */
  async send(request: ApiRequest, signal: AbortSignal): Promise<IncomingMessage> {
    const access = await this.#credentials.access()
    signal.throwIfAborted()
    try {
      return await this.#once(request, access, { signal, agent: this.#agentFor(access.tls) })
    } catch (error) {
      if (!(error instanceof StaleConnection)) throw error
      return this.#once(request, access, { signal, agent: false })
    }
  }

  close(): void {
    this.#agent?.destroy()
    this.#agent = null
  }

  #once(request: ApiRequest, access: Access, connection: Connection): Promise<IncomingMessage> {
    const options = { ...this.#options(request, access), ...connection }
    const sent = this.#base.protocol === 'http:' ? http.request(options) : https.request({ ...options, ...access.tls })
    return answerTo(sent, request.body)
  }

  #options({ method, path, body, contentType }: ApiRequest, { headers }: Access): RequestOptions {
    const { hostname, port, pathname } = this.#base
    const sending = body === undefined ? {} : { 'content-type': contentType ?? 'application/json', 'content-length': Buffer.byteLength(body) }
    return {
      method,
      hostname: hostname.replace(/^\[|\]$/g, ''),
      port,
      path: `${pathname.replace(/\/$/, '')}${path}`,
      headers: { accept: 'application/json', 'user-agent': `hotplugd/${VERSION}`, ...headers, ...sending },
    }
  }

  /** A connection carries the identity that it was made with: another identity, other connections; the earlier ones idle to their end. */
  #agentFor(tls: TlsIdentity): PlainAgent {
    if (this.#agent !== null && this.#tls === tls) return this.#agent
    const options = { keepAlive: true, timeout: IDLE_MS, scheduling: 'lifo' as const }
    this.#agent = this.#base.protocol === 'http:' ? new http.Agent(options) : new https.Agent({ ...options, ...tls })
    this.#tls = tls
    return this.#agent
  }
}

/** The server had closed a kept connection before the request came: it was not looked at, and may be sent again. */
class StaleConnection extends Error {}

function answerTo(sent: ClientRequest, body: string | undefined): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    sent.once('response', resolve)
    sent.on('error', (error: NodeJS.ErrnoException) => {
      const stale = sent.reusedSocket && (error.code === 'ECONNRESET' || error.code === 'EPIPE')
      reject(stale ? new StaleConnection(error.message, { cause: error }) : error)
    })
    sent.end(body)
  })
}
