import { join } from 'node:path'
import { kubernetesProgram } from '../binaries.ts'
import type { ApiServer } from '../server/api-server.ts'
import { flags } from '../server/etcd.ts'
import { ServerProcess } from '../server/server-process.ts'

/** What tests see the effects of: DaemonSets, Deployments, owners, namespaces, claims and ServiceAccounts. */
const CONTROLLERS = [
  'daemonset-controller',
  'deployment-controller',
  'replicaset-controller',
  'garbage-collector-controller',
  'namespace-controller',
  'persistentvolume-binder-controller',
  'root-ca-certificate-publisher-controller',
  'serviceaccount-controller',
]

/** Starts controller-manager and scheduler; neither is waited for. */
export const startControlPlane = async (server: ApiServer, networkOf: number): Promise<ServerProcess[]> => {
  const common = { kubeconfig: server.kubeconfig, 'leader-elect': 'false', 'bind-address': '127.0.0.1' }
  const managed = {
    controllers: CONTROLLERS.join(','),
    'pvclaimbinder-sync-period': '200ms', // a claim that it sees before its volume waits for the next round
    'root-ca-file': server.caFile,
    'service-account-private-key-file': server.credentials.serviceAccountKey,
    'cert-dir': join(server.directory, 'controllers'),
  }
  const wanted = [
    ['kube-controller-manager', { ...common, ...managed }],
    ['kube-scheduler', { ...common, 'cert-dir': join(server.directory, 'scheduler') }],
  ] as const
  return Promise.all(
    wanted.map(async ([name, options]) => {
      const process = new ServerProcess({ file: await kubernetesProgram(name), args: flags(options), log: join(server.directory, `${name}.log`), networkOf })
      await process.start()
      return process
    }),
  )
}
