import type { Socket } from 'node:net'
import fastify, { type FastifyError, type FastifyInstance, type FastifyReply } from 'fastify'
import { HotplugError, asHotplugError } from '../errors.ts'
import { LIMITS, type Limits } from './limits.ts'
import type { Log } from './log.ts'
import { refusal } from './objects/refusal.ts'
import { statusObject, type StatusObject } from './objects/status-object.ts'

/** A server with all bounds and with Status objects for every refusal, and no routes yet. */
export function createServer(limits: Limits, log: Log): FastifyInstance {
  const app = fastify({
    logger: false,
    bodyLimit: limits.bodyBytes,
    requestTimeout: limits.requestTimeoutMs,
    connectionTimeout: limits.silenceTimeoutMs,
    keepAliveTimeout: limits.keepAliveTimeoutMs,
    forceCloseConnections: true,
    exposeHeadRoutes: false,
    // A libvirt name may have 255 bytes, three letters each when escaped.
    routerOptions: { maxParamLength: 1024 },
    http: { headersTimeout: limits.headersTimeoutMs, connectionsCheckingInterval: 1000, requireHostHeader: false },
    clientErrorHandler: refuseBroken,
    frameworkErrors: (error, _request, reply) => void sendStatus(reply, ofFastify(error)),
  })
  app.removeContentTypeParser('text/plain')
  app.setErrorHandler((error: FastifyError, request, reply) => {
    const status = ofFastify(error)
    if (status.code >= 500) log.error({ err: error, method: request.method, url: request.url }, 'request failed')
    return sendStatus(reply, status)
  })
  app.setNotFoundHandler((request, reply) => sendStatus(reply, nothingThere(request.method, request.url)))
  return app
}

/** Answers with a refusal's code and body. */
export function sendStatus(reply: FastifyReply, status: StatusObject): FastifyReply {
  if (status.details.retryAfterSeconds !== undefined) reply.header('retry-after', String(status.details.retryAfterSeconds))
  return reply.code(status.code).send(status)
}

const REMEDIES: Readonly<Record<number, string>> = {
  413: `Send at most ${LIMITS.bodyBytes} bytes; a volume takes a few hundred.`,
  415: 'Send JSON, with content-type: application/json.',
}

/** Fastify's own errors carry a code of HTTP: too large, wrong type, broken JSON. */
function ofFastify(error: FastifyError): StatusObject {
  const code = error instanceof HotplugError ? undefined : error.statusCode
  if (code === undefined || code >= 500) return refusal(asHotplugError(error))
  const remedy = REMEDIES[code]
  return statusObject(new HotplugError('InvalidRequest', error.message, remedy === undefined ? {} : { remedy }), code)
}

function nothingThere(method: string, url: string): StatusObject {
  return statusObject(new HotplugError('InvalidRequest', `there is nothing at ${method} ${url.slice(0, 256)}`), 404)
}

const BROKEN: Readonly<Record<string, readonly [number, string]>> = {
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'the request did not come in time'],
  HPE_HEADER_OVERFLOW: [431, 'the headers are too large'],
}

/** Bytes that are no request, or one that never ends: there is no reply object yet. */
function refuseBroken(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy()
  const [code, message] = BROKEN[error.code ?? ''] ?? [400, 'this is not an HTTP request']
  const body = JSON.stringify(statusObject(new HotplugError('InvalidRequest', message), code))
  const head = `HTTP/1.1 ${code} Refused\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n`
  socket.end(head + body, () => socket.destroy())
}
