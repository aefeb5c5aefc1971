import type { IncomingMessage, ServerResponse } from 'node:http'
import { pipeline } from 'node:stream'
import { HotplugError } from '../../errors.ts'
import { PAGE_HEADERS } from '../../http/page-headers.ts'
import { statusObject } from '../../http/objects/status-object.ts'
import { unreachable } from '../client.ts'

const ANSWER_TIMEOUT_MS = 30_000
const KEPT = ['content-type', 'content-length', 'date', 'retry-after'] as const

/**
 * Answers with what hotplugd answers at its socket. Nothing of the request but its path gets there, and a browser that does
 * not read holds up nothing but its own stream, which hotplugd then cuts. Ends when either side does.
 */
export function forward(socketPath: string, request: IncomingMessage, out: ServerResponse): void {
  const http = process.getBuiltinModule('node:http')
  const asked = http.request({ socketPath, path: request.url, headers: { host: 'hotplugd' }, agent: false }, answer => {
    asked.setTimeout(0)
    // A watch may be silent for days.
    if (answer.headers['content-length'] === undefined) out.socket?.setTimeout(0)
    out.writeHead(answer.statusCode ?? 502, { ...kept(answer), ...PAGE_HEADERS })
    out.flushHeaders()
    pipeline(answer, out, () => asked.destroy())
  })
  asked.setTimeout(ANSWER_TIMEOUT_MS, () => asked.destroy(new Error(`no answer within ${ANSWER_TIMEOUT_MS / 1000} s`)))
  asked.on('error', (error: NodeJS.ErrnoException) => (out.headersSent ? out.destroy() : refuse(out, socketPath, error)))
  out.on('close', () => asked.destroy())
  asked.end()
}

function kept({ headers }: IncomingMessage): Record<string, string> {
  return Object.fromEntries(KEPT.flatMap(name => (headers[name] === undefined ? [] : [[name, headers[name]]])))
}

function refuse(out: ServerResponse, socketPath: string, error: NodeJS.ErrnoException): void {
  const { message, remedy } = unreachable(socketPath, error)
  const body = JSON.stringify(statusObject(new HotplugError('InternalError', message, { remedy }), 502))
  out.writeHead(502, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body), ...PAGE_HEADERS }).end(body)
}
