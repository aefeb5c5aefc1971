import { randomBytes } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { HotplugError } from '../../errors.ts'
import { LIMITS, type Limits } from '../../http/limits.ts'
import type { Log } from '../../http/log.ts'
import { createServer, sendStatus } from '../../http/server.ts'
import { statusObject } from '../../http/status-object.ts'
import { EXIT, Failure } from '../failure.ts'
import { Door, type Verdict, type Visit } from './door.ts'
import { forward } from './forward.ts'
import { NOTICE_HEADERS, refusalNotice, welcomeNotice } from './notices.ts'
import { boundVisitors, VISITOR_LIMITS, type VisitorLimits } from './visitors.ts'

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
  close(): Promise<void>
}

/** Opens a port of 127.0.0.1 with the page and what it reads. Throws Failure if it cannot listen there. */
export async function openLoopback(options: LoopbackOptions): Promise<Loopback> {
  const limits = { ...LIMITS, ...VISITOR_LIMITS, ...options.limits }
  const app = createServer(limits, options.log)
  const makeGuest = boundVisitors(app.server, limits)
  const secrets = { token: randomBytes(24).toString('base64url'), session: randomBytes(24).toString('base64url') }
  let door: Door | null = null
  app.addHook('onRequest', (request, reply, done) => {
    const verdict = door?.judge(visitOf(request)) ?? NOT_YET
    if (verdict.kind !== 'refused') makeGuest(request.raw.socket)
    if (verdict.kind === 'forward') return done()
    if (verdict.kind === 'refused') return void refuse(request, reply, verdict)
    if (verdict.isNew && door !== null) reply.header('set-cookie', door.setCookie)
    return void reply.headers(NOTICE_HEADERS).send(welcomeNotice())
  })
  app.get('/*', (request, reply) => {
    reply.hijack()
    forward(options.socketPath, request.raw, reply.raw)
  })
  const address = await app.listen({ host: '127.0.0.1', port: options.port }).catch(error => cannotListen(options.port, error))
  const port = Number(new URL(address).port)
  door = new Door(port, secrets)
  return { port, address: `http://127.0.0.1:${port}/?token=${secrets.token}`, close: () => app.close() }
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
function refuse(request: FastifyRequest, reply: FastifyReply, { code, why, remedy }: Extract<Verdict, { kind: 'refused' }>): FastifyReply {
  reply.header('connection', 'close')
  if (code === 405) reply.header('allow', 'GET')
  if (request.headers.accept?.includes('text/html') === true) return reply.code(code).headers(NOTICE_HEADERS).send(refusalNotice(why, remedy))
  return sendStatus(reply, statusObject(new HotplugError(code === 401 || code === 403 ? 'AccessDenied' : 'InvalidRequest', why, { remedy }), code))
}

function cannotListen(port: number, error: unknown): never {
  throw new Failure(EXIT.refused, `cannot listen on 127.0.0.1:${port}: ${error instanceof Error ? error.message : String(error)}`, 'Choose another --port, or none.')
}
