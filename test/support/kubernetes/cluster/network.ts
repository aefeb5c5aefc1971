import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from '../../command.ts'
import { SERVICE_ADDRESS } from '../server/start-api-server.ts'

/** Addresses of one node's network, all of the range that RFC 2544 keeps for test beds. */
export interface NodeNetwork {
  /** This machine's, as the node reaches it. */
  readonly hostAddress: string
  readonly nodeAddress: string
  /** Of its pods. */
  readonly podSubnet: string
}

const LAST = 255

/** Connects a node's network namespace with this machine's. The keeper takes the connection away: its name lies in `directory`. */
export const connectNode = async (pid: number, directory: string): Promise<NodeNetwork> => {
  const number = await makeLink(pid, Math.floor(Math.random() * LAST))
  await writeFile(join(directory, 'link'), linkName(number))
  const network = { hostAddress: `198.18.${number}.1`, nodeAddress: `198.18.${number}.2`, podSubnet: `198.19.${number}.0/24` }
  const here = [`address add ${network.hostAddress}/30 dev ${linkName(number)}`, `link set ${linkName(number)} up`, `route add ${network.podSubnet} via ${network.nodeAddress}`]
  const there = [`address add ${network.nodeAddress}/30 dev eth0`, 'link set eth0 up', `route add default via ${network.hostAddress}`, `address add ${SERVICE_ADDRESS}/32 dev lo`]
  for (const command of there) await run('nsenter', [`--net=/proc/${pid}/ns/net`, 'ip', ...command.split(' ')])
  for (const command of here) await run('ip', command.split(' '))
  return network
}

const linkName = (number: number): string => `hotplugd${number}`

/** Whoever makes the link has the number. */
const makeLink = async (pid: number, first: number): Promise<number> => {
  for (let tried = 0; tried <= LAST; tried++) {
    const number = (first + tried) % (LAST + 1)
    if (await run('ip', ['link', 'add', linkName(number), 'type', 'veth', 'peer', 'name', 'eth0', 'netns', `${pid}`]).then(() => true, taken)) return number
  }
  throw new Error('all networks of the lab are in use')
}

const taken = (error: unknown): boolean => {
  if (String(error).includes('File exists')) return false
  throw error
}

/** What connects the pods: a bridge on the node. The node itself answers for the API server's service address. */
export const cniConfiguration = ({ podSubnet }: NodeNetwork): object => ({
  cniVersion: '1.0.0',
  name: 'lab',
  plugins: [
    {
      type: 'bridge',
      bridge: 'cni0',
      isGateway: true,
      ipMasq: false,
      ipam: { type: 'host-local', dataDir: '/run/cni/addresses', ranges: [[{ subnet: podSubnet }]], routes: [{ dst: '0.0.0.0/0' }] },
    },
  ],
})
