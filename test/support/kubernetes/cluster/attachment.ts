import type { Made } from '../objects/kube-object.ts'
import { attachmentPod, type AttachedClaim, type Pod } from '../objects/pods.ts'
import type { Cluster } from './cluster.ts'
import { PAUSE_IMAGE } from './configuration.ts'

const COMMAND = ['/usr/bin/container-disk', '--copy-path', '/path/hp']

/** Makes a real attachment pod with those claims beside a launcher. */
export const createAttachmentPod = (cluster: Cluster, launcher: Made, claims: readonly AttachedClaim[]): Promise<Made<Pod>> =>
  cluster.server.create(attachmentPod(launcher, claims, { running: false, image: PAUSE_IMAGE, command: COMMAND }))

/** The same, and resolves when it is ready (2 s). */
export const startAttachmentPod = async (cluster: Cluster, launcher: Made, claims: readonly AttachedClaim[]): Promise<Made<Pod>> =>
  (await cluster.podReady(await createAttachmentPod(cluster, launcher, claims))) as Made<Pod>
