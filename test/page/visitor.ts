import { request } from 'node:http'
import { connect, type Socket } from 'node:net'
import type { Loopback } from '../../src/cli/ui/loopback.ts'
import type { Answer } from '../http/lab.ts'

export interface Ask {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

/** One request to the page's port, by somebody who is no browser. */
export function visit(port: number, path: string, { method = 'GET', headers = {}, body }: Ask = {}): Promise<Omit<Answer, 'json'>> {
  // Node itself says it only for methods that usually have a body.
  const length = body === undefined || headers['transfer-encoding'] !== undefined ? {} : { 'content-length': Buffer.byteLength(body) }
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, path, method, headers: { ...length, ...headers }, agent: false }, answer => {
      let text = ''
      answer.setEncoding('utf8').on('data', chunk => (text += chunk))
      answer.on('end', () => resolve({ code: answer.statusCode ?? 0, headers: answer.headers, text })).on('error', reject)
    })
    asked.on('error', reject)
    asked.end(body)
  })
}

/** Brings the token, and has the session's cookie from then on. */
export async function enter({ port, address }: Pick<Loopback, 'port' | 'address'>): Promise<{ readonly cookie: string }> {
  const { headers } = await visit(port, new URL(address).pathname + new URL(address).search)
  const [cookie = ''] = (headers['set-cookie'] ?? []) as readonly string[]
  return { cookie: cookie.split(';', 1)[0] ?? '' }
}

/** A bare connection to the port. */
export function dialPort(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => resolve(socket))
    socket.on('error', reject)
  })
}

/** Sends bytes, and resolves with all that came once the server has closed the connection. */
export async function sayRaw(port: number, bytes: string): Promise<string> {
  const socket = await dialPort(port)
  let text = ''
  socket.on('data', chunk => (text += chunk)).on('error', () => undefined)
  socket.write(bytes)
  await new Promise(resolve => socket.on('close', resolve))
  return text
}
