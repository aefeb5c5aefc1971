import { randomBytes } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { HotplugError } from '../../errors.ts'
import { LIMITS, type Limits } from '../../http/limits.ts'
import type { Log } from '../../http/log.ts'
import { createServer, sendStatus } from '../../http/server.ts'
import { statusObject } from '../../http/objects/status-object.ts'
import { EXIT, Failure } from '../failure.ts'
import { Door, type Verdict, type Visit } from './door.ts'
import { forward } from './forward.ts'
import { NOTICE_HEADERS, refusalNotice, welcomeNotice } from './notices.ts'
import { boundVisitors, VISITOR_LIMITS, type VisitorLimits, type Visitors } from './visitors.ts'

export interface LoopbackOptions {
  /** Hotplugd's own. */
  readonly socketPath: string
  /** 0: one that is free. */
  readonly port: number
  readonly log: Log
  readonly limits?: Partial<Limits & VisitorLimits>
}

/** The page's port, open. */
export interface Loopback {
  readonly port: number
  /** Works once. */
  readonly address: string
  /** Resolves when nobody has looked for an hour. */
  readonly forgotten: Promise<void>
  close(): Promise<void>
}

/** Opens a port of 127.0.0.1 with the page and what it reads. Throws Failure if it cannot listen there. */
export async function openLoopback(options: LoopbackOptions): Promise<Loopback> {
  const limits = { ...LIMITS, ...VISITOR_LIMITS, ...options.limits }
  const app = createServer(limits, options.log)
  const visitors = boundVisitors(app.server, limits)
  const entrance: Entrance = { visitors, door: null }
  app.addHook('onRequest', (request, reply, done) => {
    if (isLetIn(entrance, request, reply)) done()
  })
  app.get('/*', (request, reply) => {
    reply.hijack()
    forward(options.socketPath, request.raw, reply.raw)
  })
  const address = await app.listen({ host: '127.0.0.1', port: options.port }).catch(error => cannotListen(options.port, error))
  const port = Number(new URL(address).port)
  const secrets = { token: newSecret(), session: newSecret() }
  entrance.door = new Door(port, secrets)
  return { port, address: `http://127.0.0.1:${port}/?token=${secrets.token}`, forgotten: visitors.forgotten, close: () => app.close() }
}

interface Entrance {
  readonly visitors: Visitors
  /** Null until the port is known. */
  door: Door | null
}

/** Answers whoever is not let in, and who has only just come. */
function isLetIn({ visitors, door }: Entrance, request: FastifyRequest, reply: FastifyReply): boolean {
  const verdict = door?.judge(visitOf(request)) ?? NOT_YET
  if (verdict.kind === 'refused') refuse(request, reply, verdict)
  else visitors.admit(request.raw.socket)
  if (verdict.kind === 'welcome') welcome(reply, verdict.isNew ? (door?.setCookie ?? null) : null)
  return verdict.kind === 'forward'
}

function welcome(reply: FastifyReply, cookie: string | null): void {
  if (cookie !== null) reply.header('set-cookie', cookie)
  reply.headers(NOTICE_HEADERS).send(welcomeNotice())
}

function newSecret(): string {
  return randomBytes(24).toString('base64url')
}

/** In the instant between the port and its door. */
const NOT_YET: Verdict = { kind: 'refused', code: 503, why: 'this page is only being opened', remedy: 'Try again.' }

function visitOf({ raw }: FastifyRequest): Visit {
  const { headers, headersDistinct, method = '', url = '' } = raw
  const length = headers['content-length'] ?? '0'
  return {
    method, url, hosts: headersDistinct['host'] ?? [], cookie: headers.cookie ?? '', fetchSite: headers['sec-fetch-site'] ?? '',
    hasBody: length !== '0' || headers['transfer-encoding'] !== undefined,
  }
}

/** To a person as a page, to a program as a Status object. The connection ends: whatever else it brings is not read. */
function refuse(request: FastifyRequest, reply: FastifyReply, { code, why, remedy }: Extract<Verdict, { kind: 'refused' }>): void {
  reply.header('connection', 'close')
  if (code === 405) reply.header('allow', 'GET')
  if (request.headers.accept?.includes('text/html') === true) return void reply.code(code).headers(NOTICE_HEADERS).send(refusalNotice(why, remedy))
  sendStatus(reply, statusObject(new HotplugError(code === 401 || code === 403 ? 'AccessDenied' : 'InvalidRequest', why, { remedy }), code))
}

function cannotListen(port: number, error: unknown): never {
  throw new Failure(EXIT.refused, `cannot listen on 127.0.0.1:${port}: ${error instanceof Error ? error.message : String(error)}`, 'Choose another --port, or none.')
}
