import type { Made } from '../objects/kube-object.ts'
import { attachmentPod, type AttachedClaim, type Pod } from '../objects/pods.ts'
import type { Cluster } from './cluster.ts'
import { PAUSE_IMAGE } from './configuration.ts'

const COMMAND = ['/usr/bin/container-disk', '--copy-path', '/path/hp']

/** Starts a real attachment pod with those claims beside a launcher, and resolves when it is ready (2 s). */
export const startAttachmentPod = async (cluster: Cluster, launcher: Made, claims: readonly AttachedClaim[]): Promise<Made<Pod>> => {
  const pod = await cluster.server.create(attachmentPod(launcher, claims, { running: false, image: PAUSE_IMAGE, command: COMMAND }))
  return (await cluster.podReady(pod)) as Made<Pod>
}
