import type { Impediment } from '../../model/desired.ts'
import type { PodFacts, PodHitch } from './pod-facts.ts'
import type { VmiEntry } from './vmi-entry.ts'

/** What a volume that is hot-plugged waits for, stage by stage. */
export interface AttachmentFacts {
  readonly volume: string
  readonly claim: string
  /** Null: the controller has not written one yet. */
  readonly entry: VmiEntry | null
  readonly hasLauncher: boolean
  /** Proven attachment pods that hold the claim. */
  readonly pods: readonly PodFacts[]
}

const BEFORE_POD: readonly string[] = ['', 'Pending', 'Bound']
/** Passing states of a container on its way up; anything else it waits for is a failure. */
const ON_THE_WAY: readonly string[] = ['ContainerCreating', 'PodInitializing', 'Waiting', 'SchedulingGated']

/** What is missing before a volume can be plugged; null once a ready attachment pod, named by the status, holds its claim. */
export function missingAttachment(facts: AttachmentFacts): Impediment | null {
  const { volume, entry, pods } = facts
  if (entry === null) return awaiting(`the status has no entry for volume ${volume} yet`)
  if (entry.phase === 'Detaching') return awaiting(`the controller is taking away the attachment pod of an earlier volume ${volume}`)
  if (!facts.hasLauncher) return { reason: 'LauncherNotFound', cause: 'no virt-launcher pod of the VM is known on this node' }
  const { podName = '', podUid = '' } = entry.hotplug ?? {}
  if (podName === '' && podUid === '') return beforePod(facts, entry)
  const pod = pods.find(({ uid, name }) => (podUid === '' ? name === podName : uid === podUid))
  if (pod === undefined) return awaiting(`attachment pod ${podName || podUid}, which the status names, is not known on this node or does not hold claim ${facts.claim}`)
  if (!pod.ready) return notReady(pod)
  if (pod.terminating) return awaiting(`attachment pod ${pod.name} is being deleted`)
  return podUid === '' ? awaiting(`the status does not name the UID of attachment pod ${pod.name} yet`) : null
}

function awaiting(cause: string): Impediment {
  return { reason: 'AwaitingController', cause }
}

/** The controller's own words say why it has made no pod. */
function beforePod({ claim }: AttachmentFacts, { phase, reason, message }: VmiEntry): Impediment {
  if (!BEFORE_POD.includes(phase)) return awaiting('the status names no attachment pod')
  if (phase === 'Bound' || (reason === '' && message === '')) return awaiting('no attachment pod was made yet')
  return { reason: 'ClaimNotReady', cause: `claim ${claim}: ${[reason, message].filter(Boolean).join(': ')}` }
}

function notReady({ name, phase, hitch }: PodFacts): Impediment {
  const isFailing = hitch !== null && !ON_THE_WAY.includes(hitch.reason)
  const cause = `attachment pod ${name} is ${phase === 'Running' ? 'not ready' : phase || 'new'}${hitch === null ? '' : `: ${words(hitch)}`}`
  return { reason: isFailing ? 'AttachmentPodFailing' : 'AttachmentPodNotReady', cause }
}

function words({ reason, message }: PodHitch): string {
  return message === '' ? reason : `${reason}: ${message}`
}
