import type { AttachmentPod, LauncherPod } from '../../model/pods.ts'
import type { PodFacts } from './pod-facts.ts'
import type { Vmi } from './vmi.ts'

const OVER: readonly string[] = ['Succeeded', 'Failed']

/** Whether the pod's containers have ended for good. */
export function isOver({ phase }: PodFacts): boolean {
  return OVER.includes(phase)
}

/** Where an attachment pod has a block volume: the last part is the claim's UID. */
const DEVICE_PATH = /^\/path\/[^/]+\/([^/]+)$/

/**
 * Whether a pod is a launcher of this VM on this node: the VMI controls it, and says in its own status that this very
 * pod runs there. Whoever can make a pod can write an owner reference, but not a VMI's status.
 */
function isLauncher(pod: PodFacts, vmi: Vmi, node: string): boolean {
  const isOwned = pod.controller?.kind === 'VirtualMachineInstance' && pod.controller.uid === vmi.uid && pod.namespace === vmi.namespace
  return isOwned && pod.nodeName === node && vmi.activePods.get(pod.uid) === node
}

/** The launcher among some pods: one that still runs, and not one that is on its way out if there is another. */
export function launcherAmong(pods: Iterable<PodFacts>, vmi: Vmi, node: string): PodFacts | null {
  const launchers = [...pods].filter((pod) => isLauncher(pod, vmi, node) && !isOver(pod))
  return launchers.find(({ terminating }) => !terminating) ?? launchers[0] ?? null
}

/** What ports tell of a launcher that `launcherAmong` has found. It proves nothing by itself. */
export function provenLauncher({ uid, namespace, name, terminating }: PodFacts, vmi: Vmi): LauncherPod {
  return { uid, namespace, name, vmiUid: vmi.uid, terminating }
}

/** Whether a pod is controlled by that launcher, on the same node and in the same namespace. */
export function isAttachment(pod: PodFacts, launcher: PodFacts): boolean {
  const isOwned = pod.controller?.kind === 'Pod' && pod.controller.uid === launcher.uid
  return isOwned && pod.namespace === launcher.namespace && pod.nodeName === launcher.nodeName && !isOver(pod)
}

/** Attachment pods among some pods that hold the volume's claim: the one that the VMI's status names first, then ready ones, then those that stay. */
export function attachmentsFor(pods: Iterable<PodFacts>, launcher: PodFacts, wanted: { readonly vmi: Vmi; readonly volume: string }): PodFacts[] {
  const { vmi, volume } = wanted
  const claim = vmi.volumes.find(({ name }) => name === volume)?.claim
  const named = vmi.entries.find(({ name }) => name === volume)?.hotplug
  const rank = (pod: PodFacts): number => (pod.uid === named?.podUid ? 8 : 0) + (pod.name === named?.podName ? 4 : 0) + (pod.ready ? 2 : 0) + (pod.terminating ? 0 : 1)
  const holds = (pod: PodFacts): boolean => (claim === undefined ? pod.claims.has(volume) : pod.claims.get(volume) === claim)
  return [...pods].filter((pod) => isAttachment(pod, launcher) && holds(pod)).sort((a, b) => rank(b) - rank(a))
}

/** What ports tell of a pod that `attachmentsFor` has found, for one volume; without a device path its `claimUid` is null. It proves nothing by itself. */
export function provenAttachment(pod: PodFacts, wanted: { readonly vmi: Vmi; readonly volume: string }): AttachmentPod {
  const { uid, name, ready, terminating } = pod
  const path = pod.devicePaths.get(wanted.volume)
  return { uid, name, ready, terminating, claimUid: DEVICE_PATH.exec(path ?? '')?.[1] ?? null, volumeMode: modeOf(pod, wanted) }
}

/** A replacement leaves out the mount of an image that is exposed already; the VMI's status tells then. */
function modeOf(pod: PodFacts, { vmi, volume }: { readonly vmi: Vmi; readonly volume: string }): 'Block' | 'Filesystem' {
  if (pod.devicePaths.has(volume)) return 'Block'
  if (pod.mounted.has(volume)) return 'Filesystem'
  return vmi.entries.find(({ name }) => name === volume)?.volumeMode === 'Block' ? 'Block' : 'Filesystem'
}
