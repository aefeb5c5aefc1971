import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { request as httpRequest } from 'node:http'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import { createLocalApi, type LocalApiOptions } from '../../src/http/local-api.ts'
import type { Diagnostics } from '../../src/http/diagnostics.ts'
import { FakeAgent } from './fake-agent.ts'
import { peerOf } from './peer-of.ts'

export const silent = pino({ level: 'silent' })

export interface Lab {
  readonly agent: FakeAgent
  readonly socket: string
  readonly directory: string
  close(): Promise<void>
}

/** A daemon around the API that only says what it is told. */
export function diagnostics(): Diagnostics {
  let level = 'info'
  const words = ['debug', 'info', 'silent']
  return {
    level: { words, current: () => level, choose: (word) => (level = word) },
    recentLog: () => ['{"msg":"one"}\n', '{"msg":"two"}\n'],
    configuration: [{ name: 'mode', values: ['standalone'], from: 'default' }],
    process: { pid: process.pid, version: '1.2.3', mode: 'standalone', nodeName: 'node1', startedAt: new Date(0).toISOString(), node: process.version },
  }
}

/** A local API in a directory of its own, with a fake engine behind it. */
export async function startLab(options: Partial<LocalApiOptions> = {}): Promise<Lab> {
  const agent = new FakeAgent()
  const directory = await mkdtemp(join(tmpdir(), 'hp-http-'))
  await chmod(directory, 0o755)
  const socket = join(directory, 'api.sock')
  const groups = { admin: null, socket: null }
  const fixed = { agent, log: silent, registry: new Registry(), socket, version: '1.2.3', peerOf, diagnostics: diagnostics() }
  const server = await createLocalApi({ groups, namespaces: ['default', 'lab'], ...fixed, ...options })
  const close = async (): Promise<void> => {
    await server.close()
    await rm(directory, { recursive: true })
  }
  return { agent, socket, directory, close }
}

/** Tests look into whatever came. */
export type Json = ReturnType<typeof JSON.parse>

export interface Answer {
  readonly code: number
  readonly headers: NodeJS.Dict<string | string[]>
  readonly text: string
  /** Of a body that is JSON. */
  readonly json: Json
}

export interface Call {
  readonly method?: string
  readonly body?: unknown
  readonly raw?: string
  readonly headers?: Record<string, string>
}

/** One request over the unix socket. */
export function call(socketPath: string, path: string, { method = 'GET', body, raw, headers = {} }: Call = {}): Promise<Answer> {
  const text = raw ?? (body === undefined ? undefined : JSON.stringify(body))
  const type = text === undefined ? {} : { 'content-type': 'application/json' }
  return new Promise((resolve, reject) => {
    const request = httpRequest({ socketPath, path, method, headers: { ...type, ...headers }, agent: false }, response => {
      let answer = ''
      response.setEncoding('utf8').on('data', chunk => (answer += chunk))
      response.on('end', () => resolve({ code: response.statusCode ?? 0, headers: response.headers, text: answer, json: jsonOf(answer) }))
    })
    request.on('error', reject)
    request.end(text)
  })
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

export function put(socketPath: string, path: string, body: unknown): Promise<Answer> {
  return call(socketPath, path, { method: 'PUT', body })
}

/** A bare connection, for clients that do not speak properly. */
export function dial(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(path, () => resolve(socket))
    socket.on('error', reject)
  })
}

/** Waits until it is so; the deadline is only for tests that would otherwise hang. */
export async function until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 60_000
  while (!(await isSo())) {
    if (Date.now() > deadline) throw new Error(`waited in vain for: ${what}`)
    await new Promise(resolve => setTimeout(resolve, 10))
  }
}
