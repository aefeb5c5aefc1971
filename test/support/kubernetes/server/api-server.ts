import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from '../../command.ts'
import { Hopeless, until } from '../../wait.ts'
import { kubectl } from '../binaries.ts'
import { ApiClient, ApiError } from './api-client.ts'
import { writeKubeconfig, type Credentials } from './credentials.ts'
import { compact } from './etcd.ts'
import type { ServerProcess } from './server-process.ts'
import { podOnNode, requestToken, type TokenOptions } from './service-account-token.ts'

interface Parts {
  readonly directory: string
  readonly credentials: Credentials
  readonly kubeconfig: string
  readonly caFile: string
  readonly etcd: ServerProcess
  readonly etcdUrl: string
  readonly apiServer: ServerProcess
}

/**
 * An etcd and a kube-apiserver of their own, without nodes and controllers: pods are objects that nobody runs, and nothing is
 * made or deleted by itself. TLS, RBAC and admission are on. As a client it is the administrator.
 */
export class ApiServer extends ApiClient {
  readonly #parts: Parts
  /** Of the administrator. */
  readonly kubeconfig: string
  readonly caFile: string
  /** For files of the test; gone with the server. */
  readonly directory: string

  constructor(url: string, ca: string, parts: Parts) {
    super(url, ca, parts.credentials.adminToken)
    this.#parts = parts
    this.kubeconfig = parts.kubeconfig
    this.caFile = parts.caFile
    this.directory = parts.directory
  }

  get credentials(): Credentials {
    return this.#parts.credentials
  }

  /** Of the kube-apiserver that runs now. */
  get pid(): number {
    return this.#parts.apiServer.pid
  }

  /** Runs kubectl as the administrator and returns what it printed. Throws CommandError. */
  async kubectl(...args: readonly string[]): Promise<string> {
    return run(await kubectl(), ['--kubeconfig', this.kubeconfig, ...args])
  }

  /** A namespace with its `default` ServiceAccount, which without controllers nobody else would make. */
  async createNamespace(name: string): Promise<void> {
    await this.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } })
    await this.create({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace: name } }).catch((error: unknown) => {
      if (!(error instanceof ApiError && error.status === 409)) throw error
    })
  }

  /** A token of that ServiceAccount, bound to a pod and so to its node where asked for, as a kubelet mounts it. */
  async tokenFor(serviceAccount: string, options: TokenOptions = {}): Promise<string> {
    const namespace = options.namespace ?? 'default'
    const pod = options.pod ?? (options.node === undefined ? undefined : await podOnNode(this, { namespace, serviceAccount, node: options.node }))
    return requestToken(this, { namespace, serviceAccount, ...(pod && { pod }) }, options.seconds)
  }

  /** A client, and the path of a kubeconfig, for whoever has that token. */
  async as(token: string): Promise<{ readonly client: ApiClient; readonly kubeconfig: string }> {
    const path = join(this.directory, `kubeconfig-${process.hrtime.bigint()}`)
    return {
      client: new ApiClient(this.url, await readFile(this.caFile, 'utf8'), token),
      kubeconfig: await writeKubeconfig(path, this.url, this.caFile, token),
    }
  }

  /** Stops the kube-apiserver in its tracks (SIGSTOP) or lets it go on (SIGCONT). */
  signal(signal: NodeJS.Signals): void {
    this.#parts.apiServer.signal(signal)
  }

  /** Ends the kube-apiserver without warning; all data stay. There is no gentler end: on SIGTERM it waits a minute for its watches. */
  async kill9(): Promise<void> {
    this.hangUp()
    await this.#parts.apiServer.end('SIGKILL')
  }

  /** Resolves when it is ready; the same address, data and tokens as before. */
  async start(): Promise<void> {
    await this.#parts.apiServer.start()
    await until('kube-apiserver to be ready', async () => {
      if (!this.#parts.apiServer.running) throw new Hopeless(`kube-apiserver ended: ${await this.#parts.apiServer.lastWords()}`)
      return (await this.request<string>('GET', '/readyz')) === 'ok'
    })
  }

  async restart(): Promise<void> {
    await this.kill9()
    await this.start()
  }

  /** Forgets all older versions of all objects. A watch from before is answered with 410 once the server was restarted, too. */
  compact(): Promise<void> {
    return compact(this.#parts.etcdUrl)
  }

  /** Ends both and removes their files. Safe to call twice. */
  async close(): Promise<void> {
    this.hangUp()
    await Promise.all([this.#parts.apiServer.end(), this.#parts.etcd.end()])
    await rm(this.directory, { recursive: true, force: true })
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
