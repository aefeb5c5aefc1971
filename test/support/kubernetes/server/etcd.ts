import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { etcd } from '../binaries.ts'
import { ServerProcess } from './server-process.ts'

export interface Place {
  /** For files; goes with the server. */
  readonly directory: string
  /** Of a process whose network is used; none: this process's own. */
  readonly networkOf?: number | undefined
}

/** Its data lies in memory, in a mount namespace of its own: gone with the process, whatever ends it. */
const IN_MEMORY = 'mount -t tmpfs hotplugd-etcd "$1" && shift && exec "$@"'

/** Its start is not waited for, because the API server does so. */
export const startEtcd = async ({ directory, networkOf }: Place, { address, port, peerPort }: { address: string; port: number; peerPort: number }): Promise<ServerProcess> => {
  const data = join(directory, 'etcd')
  await mkdir(data)
  const [clients, peers] = [`http://${address}:${port}`, `http://127.0.0.1:${peerPort}`]
  const options = {
    'data-dir': `${data}/data`,
    'listen-client-urls': clients,
    'advertise-client-urls': clients,
    'listen-peer-urls': peers,
    'initial-advertise-peer-urls': peers,
    'initial-cluster': `default=${peers}`,
    'log-level': 'warn',
  }
  const server = new ServerProcess({
    file: 'unshare',
    args: ['--mount', '--propagation', 'private', 'sh', '-c', IN_MEMORY, 'sh', data, await etcd(), ...flags(options)],
    log: join(directory, 'etcd.log'),
    networkOf,
  })
  await server.start()
  return server
}

export const flags = (options: Readonly<Record<string, string>>): string[] => Object.entries(options).map(([name, value]) => `--${name}=${value}`)

/** Forgets all older versions of all objects, so that watches and lists that began before are too old. */
export const compact = async (url: string): Promise<void> => {
  const ask = async (what: string, body: object): Promise<{ header: { revision: string } }> => {
    const response = await fetch(`${url}/v3/kv/${what}`, { method: 'POST', body: JSON.stringify(body) })
    if (!response.ok) throw new Error(`etcd ${what}: ${response.status} ${await response.text()}`)
    return response.json() as Promise<{ header: { revision: string } }>
  }
  const { header } = await ask('range', { key: Buffer.from('none').toString('base64') })
  await ask('compaction', { revision: header.revision, physical: true })
}
