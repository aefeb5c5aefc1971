import type { Teardown } from '../../libvirt-host.ts'
import { prepareLaunchers, startLauncher, type Launcher, type LauncherOptions } from '../launcher/start-launcher.ts'
import { installKubeVirtCrds } from '../objects/install-crds.ts'
import type { Made } from '../objects/kube-object.ts'
import type { Pod } from '../objects/pods.ts'
import { vmi, type Vmi } from '../objects/vmi.ts'
import type { ApiServer } from '../server/api-server.ts'
import { VirtController } from '../virt-controller.ts'
import { startAttachmentPod } from './attachment.ts'
import type { Cluster } from './cluster.ts'
import { startCluster, type ClusterOptions } from './start-cluster.ts'
import { makeVolume, type NodeVolume } from './volume.ts'

/** A cluster with a running guest, and an attachment pod that has brought a volume of each mode to its node. */
export interface PlugScene {
  readonly cluster: Cluster
  readonly launcher: Launcher
  readonly controller: VirtController
  /** `b1`, a block device. */
  readonly block: NodeVolume
  /** `f1`, an image in a file system. */
  readonly image: NodeVolume
  readonly attachment: Made<Pod>
  /** The VMI asks for these volumes and names the pod, as virt-controller does, up to AttachedToNode. */
  announce(...volumes: readonly NodeVolume[]): Promise<void>
}

/** Everything up to the moment when the node's agent has something to do (10 s). Nothing is in the VMI yet: see `announce`. */
export const startPlugScene = async (t: Teardown, options: ClusterOptions & LauncherOptions = {}): Promise<PlugScene> => {
  const cluster = await startCluster(t, options)
  const [launcher, block, image] = await Promise.all([
    makeLauncher(cluster, options),
    makeVolume(cluster, { name: 'b1' }, t),
    makeVolume(cluster, { name: 'f1', mode: 'Filesystem' }, t),
  ])
  const attachment = await startAttachmentPod(cluster, launcher.pod, [block, image])
  const controller = new VirtController(cluster.server, launcher.vmi)
  const announce = async (...volumes: readonly NodeVolume[]): Promise<void> => {
    await controller.plug(...volumes.map(({ volume }) => ({ name: volume, disk: { serial: volume } })))
    const { name, uid } = attachment.metadata
    for (const { volume, shape } of volumes) await controller.attachedToNode(volume, { name, uid }, shape)
  }
  return { cluster, launcher, controller, block, image, attachment, announce }
}

const makeLauncher = async (cluster: Cluster, options: LauncherOptions): Promise<Launcher> => {
  const [made] = await Promise.all([makeVmi(cluster.server), prepareLaunchers(cluster)])
  return startLauncher(cluster, made, options)
}

/** The first object of a new kind takes the API server two seconds. */
const makeVmi = async (server: ApiServer): Promise<Made<Vmi>> => {
  await installKubeVirtCrds(server)
  return server.create(vmi({ name: 'vmi1' }))
}
