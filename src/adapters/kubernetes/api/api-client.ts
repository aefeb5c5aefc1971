import type { IncomingMessage } from 'node:http'
import { HotplugError } from '../../../errors.ts'
import { at, isRecord, type JsonObject, listAt, textAt } from '../../../core/cluster/json-object.ts'
import type { PatchOperation } from '../../../core/cluster/json-patch.ts'
import type { Clock } from '../../../ports/clock.ts'
import { type Refusal, readRefusal, refusalError, unreachable } from './api-failure.ts'
import type { Credentials } from './credentials.ts'
import { Deadline } from './deadline.ts'
import { readText } from './read-text.ts'
import { type ApiRequest, Transport } from './transport.ts'
import { WriteBudget, type WritePriority, type WriteRate } from './write-budget.ts'

/** What an API client is given. */
export interface ApiClientOptions {
  readonly credentials: Credentials
  readonly clock: Clock
  /** Within this an answer must be complete; for a watch, its head. @default 10000 */
  readonly timeoutMs?: number
  readonly writes?: WriteRate
}

/** Query parameters; undefined ones are left out. */
export type Query = Readonly<Record<string, string | number | boolean | undefined>>

/** `conflict`: somebody else changed what the patch was made from. `gone`: no such object. */
export type PatchOutcome =
  | { readonly kind: 'done'; readonly object: JsonObject }
  | { readonly kind: 'conflict'; readonly message: string }
  | { readonly kind: 'gone' }
  | { readonly kind: 'unneeded' }

/** A page of a list. */
export interface Page {
  readonly items: readonly unknown[]
  /** Of the whole list, the same on every page. */
  readonly resourceVersion: string
}

/** `expired`: the version to watch from is too old, everything must be listed again. */
export type WatchStart = { readonly kind: 'open'; readonly body: IncomingMessage } | { readonly kind: 'expired' }

/** The part of a client for whoever only reads: no write can be expressed with it. */
export type ApiReader = Pick<ApiClient, 'get' | 'list' | 'watch'>

/** A client through which nothing can be written, not even by mistake. */
export function readingApi(client: ApiClient): ApiReader {
  return {
    get: (path, query) => client.get(path, query),
    list: (path, query, signal) => client.list(path, query, signal),
    watch: (path, query, watching) => client.watch(path, query, watching),
  }
}

type Answer = { readonly kind: 'ok'; readonly object: JsonObject } | { readonly kind: 'refused'; readonly refusal: Refusal }

const TIMEOUT_MS = 10_000
const EXPIRED = 410

/**
 * The few verbs of the Kubernetes API that the agent needs, for objects of which it knows no types. Expected outcomes are
 * returned; no answer, 401, 403, 429 and 5xx are thrown as HotplugError with the server's words.
 */
export class ApiClient {
  readonly #options: ApiClientOptions
  readonly #transport: Transport
  readonly #budget: WriteBudget
  readonly #closing = new AbortController()

  constructor(options: ApiClientOptions) {
    this.#options = options
    this.#transport = new Transport(options.credentials)
    this.#budget = new WriteBudget(options.clock, options.writes)
  }

  /** The object at this path, or null if there is none. @throws HotplugError */
  async get(path: string, query: Query = {}): Promise<JsonObject | null> {
    const answer = await this.#exchange({ method: 'GET', path: withQuery(path, query) })
    if (answer.kind === 'ok') return answer.object
    return this.#expect(answer.refusal, 404, `GET ${path}`, null)
  }

  /**
   * Every page of a list, in order. One that the server lost the thread of (410) ends as `expired`; what was read of it
   * then means nothing. @throws HotplugError
   */
  async *list(path: string, query: Query, signal?: AbortSignal): AsyncGenerator<Page | 'expired'> {
    let token = ''
    do {
      const request = { method: 'GET', path: withQuery(path, { ...query, continue: token || undefined }) } as const
      const answer = await this.#exchange(request, signal)
      if (answer.kind === 'refused') return yield this.#expect(answer.refusal, EXPIRED, `list ${path}`, 'expired')
      yield pageOf(answer.object, path)
      token = textAt(answer.object, 'metadata', 'continue') ?? ''
    } while (token !== '')
  }

  /**
   * Opens a watch. Its body is for the caller to read, to time and to end, by `watching`. @throws HotplugError
   */
  async watch(path: string, query: Query, watching: AbortController): Promise<WatchStart> {
    const request = { method: 'GET', path: withQuery(path, { ...query, watch: true }) } as const
    const stopTimer = this.#options.clock.after(this.#timeoutMs, () => watching.abort(this.#tooLate()))
    try {
      const head = await this.#send(request, watching.signal)
      if (head.statusCode === 200) return { kind: 'open', body: head }
      return this.#expect(await refusalOf(head), EXPIRED, `watch ${path}`, { kind: 'expired' })
    } catch (cause) {
      throw unreachable(`watch ${path}`, watching.signal.aborted ? watching.signal.reason : cause)
    } finally {
      stopTimer()
    }
  }

  /**
   * Changes an object, if every `test` holds. What is to be changed is asked for only when it is the write's turn; an empty
   * list then means that it is not needed any more. @throws HotplugError
   */
  async patch(path: string, operations: () => readonly PatchOperation[], signal?: AbortSignal): Promise<PatchOutcome> {
    await this.#budget.take('status', [this.#closing.signal, signal])
    const steps = operations()
    if (steps.length === 0) return { kind: 'unneeded' }
    const answer = await this.#write({ method: 'PATCH', path, body: JSON.stringify(steps), contentType: 'application/json-patch+json' }, signal)
    if (answer.kind === 'ok') return { kind: 'done', object: answer.object }
    const { status, message } = answer.refusal
    if (status === 409 || status === 422) return { kind: 'conflict', message }
    return this.#expect(answer.refusal, 404, `PATCH ${path}`, { kind: 'gone' })
  }

  /** Makes an object; one that is there already is fine. @throws HotplugError */
  async create(path: string, object: JsonObject, priority: WritePriority, signal?: AbortSignal): Promise<'created' | 'exists'> {
    await this.#budget.take(priority, [this.#closing.signal, signal])
    const answer = await this.#write({ method: 'POST', path, body: JSON.stringify(object) }, signal)
    return answer.kind === 'ok' ? 'created' : this.#expect(answer.refusal, 409, `POST ${path}`, 'exists')
  }

  /** What the server makes of an object that is made only to be judged, such as a SelfSubjectAccessReview. @throws HotplugError */
  async review(path: string, object: JsonObject): Promise<JsonObject> {
    const answer = await this.#exchange({ method: 'POST', path, body: JSON.stringify(object) })
    if (answer.kind === 'ok') return answer.object
    throw refusalError(`POST ${path}`, answer.refusal)
  }

  /** Ends everything under way. */
  close(): void {
    this.#closing.abort(new HotplugError('ApiServerUnavailable', 'the agent stops'))
    this.#transport.close()
  }

  /** With the budget in hand. */
  async #write(request: ApiRequest, signal?: AbortSignal): Promise<Answer> {
    const answer = await this.#exchange(request, signal)
    if (answer.kind === 'refused') this.#budget.pause(answer.refusal.retryAfterMs ?? 0)
    return answer
  }

  /** One whole answer within the time. */
  async #exchange(request: ApiRequest, signal?: AbortSignal): Promise<Answer> {
    const over = { afterMs: this.#timeoutMs, because: () => this.#tooLate() }
    const deadline = new Deadline(this.#options.clock, over, [this.#closing.signal, signal])
    try {
      const head = await this.#send(request, deadline.signal)
      if (head.statusCode !== undefined && head.statusCode < 300) return { kind: 'ok', object: objectIn(await readText(head), request) }
      return { kind: 'refused', refusal: await refusalOf(head) }
    } catch (cause) {
      throw unreachable(`${request.method} ${request.path}`, deadline.why(cause))
    } finally {
      deadline.clear()
    }
  }

  get #timeoutMs(): number {
    return this.#options.timeoutMs ?? TIMEOUT_MS
  }

  #tooLate(): HotplugError {
    return new HotplugError('ApiServerUnavailable', `the API server gave no answer within ${this.#timeoutMs} ms`)
  }

  /** A rotated token is tried before a refusal is believed. */
  async #send(request: ApiRequest, signal: AbortSignal): Promise<IncomingMessage> {
    const head = await this.#transport.send(request, signal)
    if (head.statusCode !== 401) return head
    head.resume()
    this.#options.credentials.refused()
    return this.#transport.send(request, signal)
  }

  #expect<T>(refusal: Refusal, status: number, what: string, outcome: T): T {
    if (refusal.status === status) return outcome
    throw refusalError(what, refusal)
  }
}

async function refusalOf(head: IncomingMessage): Promise<Refusal> {
  return readRefusal(head.statusCode ?? 0, await readText(head), head.headers['retry-after'])
}

function withQuery(path: string, query: Query): string {
  const pairs = Object.entries(query).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)] as [string, string]]))
  return pairs.length === 0 ? path : `${path}?${new URLSearchParams(pairs).toString()}`
}

function objectIn(body: string, { method, path }: ApiRequest): JsonObject {
  const parsed: unknown = JSON.parse(body)
  if (isRecord(parsed)) return parsed
  throw new HotplugError('ApiServerUnavailable', `${method} ${path}: the answer is no object`)
}

/** A list without its version or its items is none: an empty one must not come of it (invariant I9). */
function pageOf(object: JsonObject, path: string): Page {
  const resourceVersion = textAt(object, 'metadata', 'resourceVersion') ?? ''
  if (resourceVersion === '' || !Array.isArray(at(object, 'items'))) {
    throw new HotplugError('ApiServerUnavailable', `list ${path}: the answer is no list`)
  }
  return { items: listAt(object, 'items'), resourceVersion }
}
