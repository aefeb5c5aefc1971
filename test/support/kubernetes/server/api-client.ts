import { Agent, request } from 'node:https'
import { text } from 'node:stream/consumers'
import { collectionPath, objectPath, type KubeObject, type Made, type ObjectReference } from '../objects/kube-object.ts'

/** The API server said no. */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  readonly status: number
  constructor(what: string, status: number, message: string) {
    super(`${what}: ${status} ${message}`)
    this.status = status
  }
}

const PATCH_TYPES = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
} as const

/** One step of a JSON patch. */
export interface JsonPatchStep {
  readonly op: 'add' | 'remove' | 'replace' | 'test'
  readonly path: string
  readonly value?: unknown
}

/** Does what an administrator would do, without the tenth of a second that each kubectl takes. Every method throws ApiError. */
export class ApiClient {
  readonly url: string
  readonly #token: string
  readonly #agent: Agent

  constructor(url: string, ca: string, token: string) {
    this.url = url
    this.#token = token
    this.#agent = new Agent({ ca, keepAlive: true })
  }

  /** Any request; the answer's JSON. */
  async request<T>(method: string, path: string, body?: unknown, contentType = 'application/json'): Promise<T> {
    const [status, answer] = await this.#exchange(method, path, body === undefined ? '' : JSON.stringify(body), contentType)
    if (status >= 300) throw new ApiError(`${method} ${path}`, status, messageOf(answer))
    return (answer.startsWith('{') || answer.startsWith('[') ? JSON.parse(answer) : answer) as T
  }

  /** Its status too, where it has one. */
  async create<T extends KubeObject>(object: T): Promise<Made<T>> {
    const made = await this.request<Made<T>>('POST', collectionPath(object), object)
    const kept = object.apiVersion.includes('.') && !object.apiVersion.includes('k8s.io') && made['status'] !== undefined
    return object['status'] === undefined || kept ? made : this.patchStatus(made, { status: object['status'] })
  }

  get<T extends KubeObject = KubeObject>(reference: ObjectReference): Promise<Made<T>> {
    return this.request('GET', objectPath(reference))
  }

  /** Null: there is none. */
  async find<T extends KubeObject = KubeObject>(reference: ObjectReference): Promise<Made<T> | null> {
    return this.get<T>(reference).catch((error: unknown) => {
      if (error instanceof ApiError && error.status === 404) return null
      throw error
    })
  }

  /** The objects of a kind, of one namespace or of all. @param query for example `labelSelector=a=b` */
  async list<T extends KubeObject = KubeObject>(apiVersion: string, kind: string, namespace?: string, query = ''): Promise<Made<T>[]> {
    const path = collectionPath({ apiVersion, kind, metadata: { name: '', ...(namespace !== undefined && { namespace }) } })
    return (await this.request<{ items: Made<T>[] }>('GET', `${path}?${query}`)).items.map((item) => ({ ...item, apiVersion, kind }))
  }

  /** Throws with status 409 if the object was changed since it was read. */
  replace<T extends KubeObject>(object: T, subresource = ''): Promise<Made<T>> {
    return this.request('PUT', objectPath(object) + subresource, object)
  }

  /** An array is a JSON patch, anything else a merge patch. */
  patch<T extends KubeObject = KubeObject>(reference: ObjectReference, patch: object, subresource = ''): Promise<Made<T>> {
    return this.request('PATCH', objectPath(reference) + subresource, patch, Array.isArray(patch) ? PATCH_TYPES.json : PATCH_TYPES.merge)
  }

  patchStatus<T extends KubeObject = KubeObject>(reference: ObjectReference, patch: object): Promise<Made<T>> {
    return this.patch(reference, patch, '/status')
  }

  /** Without a kubelet a pod goes only with `gracePeriodSeconds: 0`. */
  async delete(reference: ObjectReference, options: { readonly gracePeriodSeconds?: number; readonly propagationPolicy?: string } = {}): Promise<void> {
    await this.request('DELETE', objectPath(reference), options)
  }

  /** Hangs up; the next request calls again. */
  hangUp(): void {
    this.#agent.destroy()
  }

  async #exchange(method: string, path: string, body: string, contentType: string): Promise<[number, string]> {
    const headers = { authorization: `Bearer ${this.#token}`, accept: 'application/json', ...(body && { 'content-type': contentType, 'content-length': Buffer.byteLength(body) }) }
    const { promise, resolve, reject } = Promise.withResolvers<[number, string]>()
    const sent = request(this.url + path, { method, headers, agent: this.#agent }, (response) => {
      text(response).then((answer) => resolve([response.statusCode ?? 0, answer]), reject)
    })
    sent.once('error', reject)
    sent.end(body)
    return promise
  }
}

const messageOf = (answer: string): string => {
  try {
    return (JSON.parse(answer) as { message?: string }).message ?? answer
  } catch {
    return answer
  }
}
