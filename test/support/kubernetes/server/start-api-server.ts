import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { clearAfterDeath } from '../../janitor.ts'
import type { Teardown } from '../../libvirt-host.ts'
import { Hopeless, until } from '../../wait.ts'
import { kubernetesProgram } from '../binaries.ts'
import { ApiServer } from './api-server.ts'
import { makeCredentials, writeKubeconfig, type Credentials } from './credentials.ts'
import { flags, startEtcd, type Place } from './etcd.ts'
import { freePort } from './free-port.ts'
import { ServerProcess } from './server-process.ts'

/** Where an API server listens, and what its nodes and pods shall know of it. */
export interface ApiServerOptions {
  /** @default '127.0.0.1' */
  readonly address?: string
  /** @default a free one */
  readonly port?: number
  /** Of a process whose network is used. @default this process's own */
  readonly networkOf?: number
}

const SERVICE_NETWORK = '10.96.0.0/16'

/** Where pods find the API server: the first address of that network. */
export const SERVICE_ADDRESS = '10.96.0.1'

/** Starts an API server of its own (3 s), with the `default` namespace ready for pods. With `t` it ends with the test. */
export const startApiServer = async (t?: Teardown, options: ApiServerOptions = {}): Promise<ApiServer> => {
  const directory = await mkdtemp(join(tmpdir(), 'hotplugd-kube-'))
  clearAfterDeath('none', directory)
  const credentials = await makeCredentials(directory)
  const place: Place = { directory, networkOf: options.networkOf }
  const [etcdPort, peerPort, port] = [await freePort(), await freePort(), options.port ?? (await freePort())]
  const address = options.address ?? '127.0.0.1'
  const etcd = await startEtcd(place, { address, port: etcdPort, peerPort })
  const apiServer = await makeApiServer(place, credentials, { address, port, etcdPort })
  await apiServer.start()
  const [url, caFile] = [`https://${address}:${port}`, join(directory, 'apiserver.crt')]
  const kubeconfig = join(directory, 'admin.kubeconfig')
  const parts = { directory, credentials, kubeconfig, caFile, etcd, etcdUrl: `http://${address}:${etcdPort}`, apiServer }
  t?.teardown(() => end(parts))
  const ca = await certificate(caFile, apiServer)
  await writeKubeconfig(kubeconfig, url, caFile, credentials.adminToken)
  const server = new ApiServer(url, ca, parts)
  await server.start()
  await makeDefaultServiceAccount(server)
  return server
}

const end = async ({ apiServer, etcd, directory }: { apiServer: ServerProcess; etcd: ServerProcess; directory: string }): Promise<void> => {
  await Promise.all([apiServer.end(), etcd.end()])
  await rm(directory, { recursive: true, force: true })
}

/** The server makes its own certificate, with all the names and addresses that it is called by. */
const certificate = (path: string, server: ServerProcess): Promise<string> =>
  until('kube-apiserver to have a certificate', async () => {
    if (!server.running) throw new Hopeless(`kube-apiserver ended: ${await server.lastWords()}`)
    const text = await readFile(path, 'utf8').catch(() => '')
    return text.trimEnd().endsWith('END CERTIFICATE-----') && text
  })

const makeApiServer = async ({ directory, networkOf }: Place, credentials: Credentials, at: { address: string; port: number; etcdPort: number }): Promise<ServerProcess> => {
  const options = {
    'etcd-servers': `http://${at.address}:${at.etcdPort}`,
    'bind-address': networkOf === undefined ? at.address : '0.0.0.0',
    'secure-port': `${at.port}`,
    'advertise-address': at.address,
    'endpoint-reconciler-type': 'none',
    'cert-dir': directory,
    'service-cluster-ip-range': SERVICE_NETWORK,
    'service-account-issuer': 'https://kubernetes.default.svc',
    'service-account-key-file': credentials.serviceAccountKey,
    'service-account-signing-key-file': credentials.serviceAccountKey,
    'token-auth-file': credentials.tokens,
    'kubelet-preferred-address-types': 'InternalIP',
    'authorization-mode': 'Node,RBAC',
    'enable-admission-plugins': 'NodeRestriction',
    'allow-privileged': 'true',
    profiling: 'false',
  }
  return new ServerProcess({ file: await kubernetesProgram('kube-apiserver'), args: flags(options), log: join(directory, 'kube-apiserver.log'), networkOf })
}

/** The namespace is made by the server, a moment after it is ready. */
const makeDefaultServiceAccount = async (server: ApiServer): Promise<void> => {
  await until('the default namespace', () => server.find({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'default' } }))
  await server.create({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace: 'default' } })
}
