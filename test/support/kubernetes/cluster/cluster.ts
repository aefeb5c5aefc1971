import { join } from 'node:path'
import { run } from '../../command.ts'
import { Hopeless, until } from '../../wait.ts'
import { packImage } from '../image/image.ts'
import type { NodeKeeper } from '../node/keeper.ts'
import { NodeProcess } from '../node/node-process.ts'
import type { Made, ObjectReference } from '../objects/kube-object.ts'
import type { ApiServer } from '../server/api-server.ts'
import { NODE_NAME } from '../server/credentials.ts'
import { CONTAINERD_SOCKET } from './configuration.ts'
import type { NodeNetwork } from './network.ts'

export interface ClusterParts {
  readonly keeper: NodeKeeper
  readonly server: ApiServer
  readonly kubelet: NodeProcess
  readonly containerd: NodeProcess
  readonly network: NodeNetwork
  readonly directory: string
  readonly kubeletDir: string
  stop(): Promise<void>
}

interface PodStatus {
  readonly phase?: string
  readonly conditions?: readonly { readonly type: string; readonly status: string }[]
  readonly containerStatuses?: readonly { readonly name: string; readonly containerID?: string; readonly state?: unknown }[]
}

/** A cluster of one node: real API server, controllers, scheduler, kubelet, containerd and runc, the node in namespaces of its own. */
export class Cluster {
  readonly #parts: ClusterParts
  /** The administrator's client, kubectl, tokens, restarts. */
  readonly server: ApiServer
  readonly nodeName = NODE_NAME

  constructor(parts: ClusterParts) {
    this.#parts = parts
    this.server = parts.server
  }

  /** The node's PID 1, as seen from here. */
  get pid(): number {
    return this.#parts.keeper.pid
  }
  /** The node's file system as seen from here: mounts of the node are visible there, and only there. */
  get root(): string {
    return this.#parts.keeper.root
  }
  /** As the node has it; `${root}${kubeletDir}` from here. */
  get kubeletDir(): string {
    return this.#parts.kubeletDir
  }
  get network(): NodeNetwork {
    return this.#parts.network
  }
  /** For files of the test; the same path here and on the node, gone with the cluster. */
  get directory(): string {
    return this.#parts.directory
  }
  /** What to put before a command so that it runs on the node. */
  get enter(): readonly string[] {
    return this.#parts.keeper.enter
  }

  get kubelet(): NodeProcess {
    return this.#parts.kubelet
  }
  get containerd(): NodeProcess {
    return this.#parts.containerd
  }

  /** Runs a program on the node and returns what it printed. Throws CommandError. */
  run(file: string, ...args: readonly string[]): Promise<string> {
    const [nsenter = '', ...enter] = this.enter
    return run(nsenter, [...enter, file, ...args], 300_000)
  }

  /** A server that runs on the node once it is started, as a service of it would, and ends with it; its log lies in `directory`. */
  process(name: string, ...command: readonly string[]): NodeProcess {
    return new NodeProcess(this.#parts.keeper, command, join(this.directory, `${name}.log`))
  }

  /** Makes an image known to the node. @param source a docker or OCI archive that names it. For pods with `imagePullPolicy: Never` */
  async importImage(source: string): Promise<void> {
    await this.run('ctr', '--address', CONTAINERD_SOCKET, '--namespace', 'k8s.io', 'images', 'import', source)
  }

  /** The same from a root file system. @param name for example `localhost/hotplugd:1` */
  async importTree(tree: string, name: string): Promise<void> {
    const archive = join(this.directory, `image-${process.hrtime.bigint()}.tar`)
    await packImage(tree, name, archive)
    await this.importImage(archive)
  }

  /** Resolves when the pod is ready; throws at once if it has ended. */
  async podReady(pod: ObjectReference): Promise<Made> {
    return until(`pod ${pod.metadata.name} to be ready`, async () => {
      const now = await this.server.get(pod)
      const { phase, conditions = [], containerStatuses } = now['status'] as PodStatus
      if (phase === 'Failed' || phase === 'Succeeded') throw new Hopeless(`pod ${pod.metadata.name} has ended: ${await this.logs(pod)}`)
      if (!conditions.some(({ type, status }) => type === 'Ready' && status === 'True')) throw new Error(JSON.stringify(containerStatuses ?? conditions))
      return now
    })
  }

  /** Resolves when there is no such pod any more. One whose grace period is 0 goes at once, its containers and directories a moment later. */
  async podGone(pod: Made): Promise<void> {
    await until(`pod ${pod.metadata.name} to go`, async () => (await this.server.find(pod))?.metadata.uid !== pod.metadata.uid)
  }

  /** Of all containers of a pod. */
  async logs(pod: ObjectReference): Promise<string> {
    return this.server.kubectl('logs', '--all-containers', '--namespace', pod.metadata.namespace ?? 'default', pod.metadata.name).catch(String)
  }

  /** Runs a program in a pod's container through the kubelet and returns what it printed. Throws CommandError. */
  exec(pod: ObjectReference, ...command: readonly string[]): Promise<string> {
    return this.server.kubectl('exec', '--namespace', pod.metadata.namespace ?? 'default', pod.metadata.name, '--', ...command)
  }

  /** The first process of a pod's container, as seen from here: `/proc/PID/root/…` is its file system. @param container @default the first */
  async containerPid(pod: ObjectReference, container?: string): Promise<number> {
    const { containerStatuses = [] } = (await this.server.get(pod))['status'] as PodStatus
    const { containerID = '' } = containerStatuses.find(({ name }) => container === undefined || name === container) ?? {}
    const id = containerID.split('//')[1]
    const pids = id === undefined ? [] : await pidsOf(id)
    if (pids.length === 0) throw new Error(`pod ${pod.metadata.name} has no running container ${container ?? ''}`)
    return Math.min(...pids)
  }

  /** All processes of a pod, those of its sandbox too, as seen from here. */
  podPids(uid: string): Promise<number[]> {
    return pidsOf(`pod${uid}`)
  }

  /** Ends everything; nothing remains. Safe to call twice. */
  stop(): Promise<void> {
    return this.#parts.stop()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }
}

/** By what their cgroup's path contains. */
const pidsOf = async (part: string): Promise<number[]> => {
  const files = await run('sh', ['-c', 'grep -ls "$1" /proc/[0-9]*/cgroup || :', 'sh', part])
  return (files.match(/\d+/g) ?? []).map(Number)
}
