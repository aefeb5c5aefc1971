import type { RequestOptions } from 'node:https'
import type { KubeConfig } from '@kubernetes/client-node'
import { asHotplugError, HotplugError } from '../../../errors.ts'
import type { Access, Credentials, TlsIdentity } from './credentials.ts'

/** Which kubeconfig to use. */
export interface KubeconfigOptions {
  readonly path: string
  /** @default the file's current context */
  readonly context?: string
}

/**
 * The cluster and user of a kubeconfig, with all the ways to log in that client-node knows. For development and for
 * agents outside the cluster; client-node is loaded only here and only then.
 * @throws HotplugError ConfigInvalid
 */
export async function kubeconfigCredentials(options: KubeconfigOptions): Promise<Credentials> {
  const { KubeConfig: Loader } = await import('@kubernetes/client-node/dist/config.js')
  const load = (): KubeConfig => {
    const config = new Loader()
    config.loadFromFile(options.path)
    if (options.context !== undefined) config.setCurrentContext(options.context)
    return config
  }
  return new Kubeconfig(options.path, load)
}

class Kubeconfig implements Credentials {
  readonly server: string
  readonly #load: () => KubeConfig
  #config: KubeConfig
  #tls: TlsIdentity = {}
  #tlsText = ''

  constructor(path: string, load: () => KubeConfig) {
    this.#load = load
    this.#config = loaded(path, load)
    const server = this.#config.getCurrentCluster()?.server
    if (!server) throw invalid(path, 'it names no cluster for the context in use')
    this.server = server.replace(/\/+$/, '')
  }

  async access(): Promise<Access> {
    try {
      const options: RequestOptions = {}
      await this.#config.applyToHTTPSOptions(options)
      return { headers: headersOf(options), tls: this.#sameOrNew(options) }
    } catch (cause) {
      throw new HotplugError('ApiUnauthorized', `the kubeconfig's user cannot log in: ${asHotplugError(cause).message}`, { cause })
    }
  }

  /** A token may stand in the file itself, and somebody may have written a new one. */
  refused(): void {
    try {
      this.#config = this.#load()
    } catch {
      // what was read last may still do; the refusal itself is reported
    }
  }

  #sameOrNew({ ca, cert, key, passphrase, servername, rejectUnauthorized }: RequestOptions): TlsIdentity {
    const given = Object.entries({ ca, cert, key, passphrase, servername, rejectUnauthorized }).filter(([, value]) => value !== undefined && value !== null)
    const text = JSON.stringify(given)
    if (text !== this.#tlsText) this.#tls = Object.fromEntries(given)
    this.#tlsText = text
    return this.#tls
  }
}

function headersOf({ headers, auth }: RequestOptions): Record<string, string> {
  const given = Object.entries(headers ?? {}).map(([name, value]) => [name.toLowerCase(), String(value)] as const)
  const basic = auth ? [['authorization', `Basic ${Buffer.from(auth).toString('base64')}`] as const] : []
  return Object.fromEntries([...basic, ...given])
}

function loaded(path: string, load: () => KubeConfig): KubeConfig {
  try {
    return load()
  } catch (cause) {
    throw invalid(path, asHotplugError(cause).message)
  }
}

function invalid(path: string, why: string): HotplugError {
  return new HotplugError('ConfigInvalid', `kubeconfig ${path} cannot be used: ${why}`, { detail: { path } })
}
