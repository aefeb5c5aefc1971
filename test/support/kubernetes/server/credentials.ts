import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** What an API server knows its first users by: all files lie in one directory. */
export interface Credentials {
  readonly adminToken: string
  /** Of the node `name`: user system:node:NAME. */
  readonly nodeToken: string
  readonly tokens: string
  readonly serviceAccountKey: string
}

export const NODE_NAME = 'node1'

/** The name by which its kubeconfigs know the cluster. */
const CLUSTER = 'lab'

export const makeCredentials = async (directory: string): Promise<Credentials> => {
  const [adminToken, nodeToken] = [secret(), secret()]
  const files = { tokens: join(directory, 'tokens.csv'), serviceAccountKey: join(directory, 'service-account.key') }
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  await writeFile(files.serviceAccountKey, privateKey.export({ type: 'pkcs1', format: 'pem' }), { mode: 0o600 })
  const lines = [`${adminToken},lab-admin,lab-admin,"system:masters"`, `${nodeToken},system:node:${NODE_NAME},${NODE_NAME},"system:nodes"`]
  await writeFile(files.tokens, `${lines.join('\n')}\n`, { mode: 0o600 })
  return { adminToken, nodeToken, ...files }
}

const secret = (): string => randomBytes(16).toString('hex')

/** JSON is YAML. */
export const writeKubeconfig = async (path: string, url: string, caFile: string, token: string): Promise<string> => {
  const kubeconfig = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: CLUSTER, cluster: { server: url, 'certificate-authority-data': await readFile(caFile, 'base64') } }],
    users: [{ name: CLUSTER, user: { token } }],
    contexts: [{ name: CLUSTER, context: { cluster: CLUSTER, user: CLUSTER } }],
    'current-context': CLUSTER,
  }
  await writeFile(path, JSON.stringify(kubeconfig, null, 2), { mode: 0o600 })
  return path
}
