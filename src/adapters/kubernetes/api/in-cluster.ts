import { readFile } from 'node:fs/promises'
import { isIPv6 } from 'node:net'
import { HotplugError } from '../../../errors.ts'
import type { Clock } from '../../../ports/clock.ts'
import type { Access, Credentials, TlsIdentity } from './credentials.ts'

/** Where the kubelet puts a pod's service account. */
const SERVICE_ACCOUNT_DIRECTORY = '/var/run/secrets/kubernetes.io/serviceaccount'
/** The kubelet replaces a token long before it ends; a file read this often costs nothing. */
const FRESH_MS = 10_000

/** What the kubelet gives a pod. */
export interface InClusterOptions {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly clock: Clock
  /** Holds `token` and `ca.crt`. @default /var/run/secrets/kubernetes.io/serviceaccount */
  readonly directory?: string
}

/**
 * The service account of the pod that the agent runs in. The files are read here rather than by client-node's KubeConfig,
 * which brings every type of the API with it: 80 MiB for two files and two variables.
 * @throws HotplugError ConfigInvalid outside a pod
 */
export function inClusterCredentials(options: InClusterOptions): Credentials {
  const host = options.env['KUBERNETES_SERVICE_HOST']
  const port = options.env['KUBERNETES_SERVICE_PORT']
  if (!host || !port) {
    throw new HotplugError('ConfigInvalid', 'KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set: this is no pod', {
      remedy: 'Run hotplugd as a pod with a service account, or give it a kubeconfig.',
    })
  }
  return new ServiceAccount(`https://${isIPv6(host) ? `[${host}]` : host}:${port}`, options)
}

class ServiceAccount implements Credentials {
  readonly server: string
  readonly #directory: string
  readonly #clock: Clock
  #access: Access | null = null
  #tls: TlsIdentity = {}
  #readMs = -Infinity

  constructor(server: string, { directory, clock }: InClusterOptions) {
    this.server = server
    this.#directory = directory ?? SERVICE_ACCOUNT_DIRECTORY
    this.#clock = clock
  }

  async access(): Promise<Access> {
    if (this.#access !== null && this.#clock.monotonicMs() - this.#readMs < FRESH_MS) return this.#access
    const [token, ca] = await Promise.all([this.#read('token'), this.#read('ca.crt')])
    if (this.#tls.ca !== ca) this.#tls = { ca }
    this.#access = { headers: { authorization: `Bearer ${token.trim()}` }, tls: this.#tls }
    this.#readMs = this.#clock.monotonicMs()
    return this.#access
  }

  refused(): void {
    this.#readMs = -Infinity
  }

  async #read(name: string): Promise<string> {
    const path = `${this.#directory}/${name}`
    try {
      return await readFile(path, 'utf8')
    } catch (cause) {
      throw new HotplugError('ApiUnauthorized', `${path} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`, { cause, detail: { path } })
    }
  }
}
