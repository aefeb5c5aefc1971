import { copyFile, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { DaemonOptions } from '../../support/daemon.ts'
import type { ApiServer } from '../../support/kubernetes/lab.ts'

/** What a pod sees and the machine does not: its service account's files at their place, in a mount namespace of its own. */
const ENTER = 'mount -t tmpfs run /run && mkdir -p /run/secrets/kubernetes.io && ln -s "$0" /run/secrets/kubernetes.io/serviceaccount && exec "$@"'

/** Runs an agent as the kubelet runs it in a pod: with files of a service account and two variables, and without a kubeconfig. */
export async function asPod(server: ApiServer, directory: string): Promise<Required<Pick<DaemonOptions, 'under' | 'env'>>> {
  const account = join(directory, 'serviceaccount')
  await mkdir(account, { recursive: true })
  await copyFile(server.caFile, join(account, 'ca.crt'))
  await writeFile(join(account, 'token'), server.credentials.adminToken, { mode: 0o600 })
  const { hostname, port } = new URL(server.url)
  return {
    under: ['unshare', '--mount', '--propagation', 'slave', 'sh', '-c', ENTER, account],
    env: { KUBERNETES_SERVICE_HOST: hostname, KUBERNETES_SERVICE_PORT: port },
  }
}
