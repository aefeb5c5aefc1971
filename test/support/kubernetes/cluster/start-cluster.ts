import { mkdir, mkdtemp, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import type { Teardown } from '../../libvirt-host.ts'
import { Hopeless, until } from '../../wait.ts'
import { kubernetesProgram } from '../binaries.ts'
import { smallImage } from '../image/small-image.ts'
import { startNodeKeeper, type NodeKeeper } from '../node/keeper.ts'
import { NodeProcess } from '../node/node-process.ts'
import type { ApiServer } from '../server/api-server.ts'
import { NODE_NAME, writeKubeconfig } from '../server/credentials.ts'
import { flags } from '../server/etcd.ts'
import { startApiServer } from '../server/start-api-server.ts'
import { Cluster } from './cluster.ts'
import { CONTAINERD_SOCKET, containerdToml, kubeletConfiguration, PAUSE_IMAGE } from './configuration.ts'
import { startControlPlane } from './control-plane.ts'
import { cniConfiguration, connectNode, type NodeNetwork } from './network.ts'

export interface ClusterOptions {
  /** As the node has it: below /var/lib, /run, or a directory that this machine has. @default '/var/lib/kubelet' */
  readonly kubeletDir?: string
}

const API_PORT = 443

/** Starts a cluster (10 s). With `t` it ends with the test; it ends with this process, too, however that ends. */
export const startCluster = async (t?: Teardown, { kubeletDir = '/var/lib/kubelet' }: ClusterOptions = {}): Promise<Cluster> => {
  const directory = await mkdtemp(join(tmpdir(), 'hotplugd-node-'))
  const keeper = await startNodeKeeper({ directory, cgroup: basename(directory), namespaces: ['mount', 'net', 'uts', 'ipc'], init: ['cluster-init.sh', basename(directory), directory, kubeletDir] })
  t?.teardown(() => keeper.end())
  const network = await connectNode(keeper.pid, directory)
  const [containerd, server] = await Promise.all([startContainerd(keeper, directory, network), startApiServer(t, { address: network.nodeAddress, port: API_PORT, networkOf: keeper.pid })])
  const kubelet = await startKubelet(keeper, { directory, kubeletDir, network, server })
  const controllers = await startControlPlane(server, keeper.pid)
  const stop = async (): Promise<void> => {
    await Promise.all(controllers.map((one) => one.end()))
    await server.close()
    await keeper.end()
  }
  t?.teardown(stop)
  const cluster = new Cluster({ keeper, server, kubelet, containerd, network, directory, kubeletDir, stop })
  await Promise.all([cluster.importImage(await smallImage(PAUSE_IMAGE)), nodeReady(server, kubelet)])
  return cluster
}

const startContainerd = async (keeper: NodeKeeper, directory: string, network: NodeNetwork): Promise<NodeProcess> => {
  const config = join(directory, 'containerd.toml')
  await writeFile(config, containerdToml)
  await mkdir(join(keeper.root, 'run/cni/net.d'), { recursive: true })
  await writeFile(join(keeper.root, 'run/cni/net.d/lab.conflist'), JSON.stringify(cniConfiguration(network)))
  const containerd = new NodeProcess(keeper, ['containerd', '--config', config], join(directory, 'containerd.log'))
  await containerd.start()
  return containerd
}

interface KubeletPlace {
  readonly directory: string
  readonly kubeletDir: string
  readonly network: NodeNetwork
  readonly server: ApiServer
}

const startKubelet = async (keeper: NodeKeeper, { directory, kubeletDir, network, server }: KubeletPlace): Promise<NodeProcess> => {
  const config = join(directory, 'kubelet.json')
  await writeFile(config, JSON.stringify(kubeletConfiguration(kubeletDir, network)))
  const kubeconfig = await writeKubeconfig(join(directory, 'kubelet.kubeconfig'), server.url, server.caFile, server.credentials.nodeToken)
  const options = { config, kubeconfig, 'hostname-override': NODE_NAME, 'node-ip': network.nodeAddress, 'root-dir': kubeletDir, 'cert-dir': `${kubeletDir}/pki` }
  const kubelet = new NodeProcess(keeper, [await kubernetesProgram('kubelet'), ...flags(options)], join(directory, 'kubelet.log'))
  await until('containerd to listen', () => isThere(keeper.root + CONTAINERD_SOCKET))
  await kubelet.start()
  return kubelet
}

const isThere = (path: string): Promise<boolean> => stat(path).then(() => true, () => false)

/** A new node is tainted until a controller that the lab has not finds it ready. */
const nodeReady = async (server: ApiServer, kubelet: NodeProcess): Promise<void> => {
  const node = await until('the node to be ready', async () => {
    if (!kubelet.running) throw new Hopeless(`the kubelet ended: ${await kubelet.lastWords()}`)
    const node = await server.get({ apiVersion: 'v1', kind: 'Node', metadata: { name: NODE_NAME } })
    const { conditions = [] } = node['status'] as { conditions?: { type: string; status: string; message: string }[] }
    const ready = conditions.find(({ type }) => type === 'Ready')
    if (ready?.status !== 'True') throw new Error(ready?.message ?? 'no condition yet')
    return node
  })
  await server.patch(node, { spec: { taints: null } })
}
