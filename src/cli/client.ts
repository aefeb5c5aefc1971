import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { EXIT, Failure } from './failure.ts'
import { failureOf } from './refused.ts'

/** Talks to hotplugd. Every call throws Failure: what the daemon refused, or that it cannot be reached. */
export interface Client {
  readonly socketPath: string
  get<T>(path: string, signal?: AbortSignal): Promise<T>
  /** The body as it is; of /readyz also where it says that something is not in order. */
  text(path: string): Promise<string>
  /** What /readyz says is not in order, a line each: `blocking` keeps it from being ready, `warnings` do not. */
  troubles(): Promise<{ readonly blocking: readonly string[]; readonly warnings: readonly string[] }>
  /** Resolves with the headers of the answer. */
  put(path: string, body: object): Promise<IncomingHttpHeaders>
  /** Calls back with every event until the signal says stop; throws Failure when the stream ends by itself. */
  follow<T>(path: string, onEvent: (event: WatchEvent<T>) => void, signal: AbortSignal): Promise<void>
}

export interface WatchEvent<T> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK'
  readonly object: T
}

/** An answer is due in this time; the daemon's own calls to libvirt end sooner. */
const ANSWER_TIMEOUT_MS = 60_000
/** What /readyz answers while it is not. */
const NOT_READY = 503

export function createClient(socketPath: string): Client {
  const text = async (path: string): Promise<string> => {
    const answer = await send(socketPath, { path })
    return answer.statusCode === NOT_READY ? readAll(answer) : readOk(answer)
  }
  return {
    socketPath,
    get: async <T>(path: string, signal?: AbortSignal) => parse(await readOk(await send(socketPath, { path, ...(signal === undefined ? {} : { signal }) }))) as T,
    text,
    async troubles() {
      const said = await text('/readyz?verbose')
      const told = (mark: string): string[] => said.split('\n').filter(line => line.startsWith(mark)).map(line => line.slice(mark.length))
      return { blocking: told('[-]'), warnings: told('[!]').map(line => line.slice(line.indexOf(': ') + 2)) }
    },
    async put(path, body) {
      const answer = await send(socketPath, { path, method: 'PUT', body: JSON.stringify(body) })
      await readOk(answer)
      return answer.headers
    },
    async follow(path, onEvent, signal) {
      const answer = await send(socketPath, { path, signal })
      if (answer.statusCode !== 200) return void (await readOk(answer))
      await readEvents(answer, onEvent).catch(error => ignoreAbort(error, signal))
      if (!signal.aborted) throw new Failure(EXIT.unreachable, `hotplugd closed the connection at ${socketPath}`, 'See whether it still runs; try again.')
    },
  }
}

interface Outgoing {
  readonly path: string
  readonly method?: string
  readonly body?: string
  readonly signal?: AbortSignal
}

function send(socketPath: string, { path, method = 'GET', body, signal }: Outgoing): Promise<IncomingMessage> {
  const headers = body === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
  // Not imported: that would read every export, and one of them loads a whole WebSocket client (40 ms).
  const http = process.getBuiltinModule('node:http')
  return new Promise((resolve, reject) => {
    const request = http.request({ socketPath, path, method, headers, agent: false, ...(signal === undefined ? {} : { signal }) }, answer => {
      request.setTimeout(0)
      resolve(answer)
    })
    request.setTimeout(ANSWER_TIMEOUT_MS, () => request.destroy(new Error(`no answer within ${ANSWER_TIMEOUT_MS / 1000} s`)))
    request.on('error', (error: NodeJS.ErrnoException) => reject(signal?.aborted === true ? error : unreachable(socketPath, error)))
    request.end(body)
  })
}

async function readAll(answer: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of answer.setEncoding('utf8')) text += chunk
  return text
}

async function readOk(answer: IncomingMessage): Promise<string> {
  const text = await readAll(answer)
  const code = answer.statusCode ?? 0
  if (code < 200 || code > 299) throw failureOf(code, text)
  return text
}

async function readEvents<T>(answer: IncomingMessage, onEvent: (event: WatchEvent<T>) => void): Promise<void> {
  let parts: string[] = []
  for await (const chunk of answer.setEncoding('utf8') as AsyncIterable<string>) {
    const lines = chunk.split('\n')
    for (const line of lines.slice(0, -1)) {
      onEvent(parse(parts.join('') + line) as WatchEvent<T>)
      parts = []
    }
    parts.push(lines.at(-1) ?? '')
  }
}

/** Only whether it is JSON at all is asked: what the daemon sends is what its types say. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new Failure(EXIT.refused, `this is no answer of hotplugd: ${text.slice(0, 100)}`, 'Name the socket of hotplugd with --socket or HOTPLUGD_SOCKET.')
  }
}

function ignoreAbort(error: unknown, signal: AbortSignal): void {
  const isCut = error instanceof Error && 'code' in error && error.code === 'ECONNRESET'
  if (!signal.aborted && !isCut) throw error
}

const REMEDIES: Readonly<Record<string, string>> = {
  ENOENT: 'Start hotplugd, or name its socket with --socket or HOTPLUGD_SOCKET.',
  ECONNREFUSED: 'hotplugd is not running any more: start it.',
  EACCES: 'Ask as root, or as a member of the group that hotplugd was given with --socket-group or --admin-group.',
  ENOTSOCK: 'Name the socket of hotplugd with --socket or HOTPLUGD_SOCKET.',
}

/** The failure to reach the daemon, with what helps. */
export function unreachable(socketPath: string, error: NodeJS.ErrnoException): Failure {
  return new Failure(EXIT.unreachable, `hotplugd cannot be reached at ${socketPath}: ${error.message}`, REMEDIES[error.code ?? ''] ?? 'See whether hotplugd runs and what it logs.')
}
