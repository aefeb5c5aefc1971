import type { RoleChoice, RoleVerdict } from '../../model/role.ts'
import type { Selection } from './node-selection.ts'

/** A DaemonSet of KubeVirt's namespace. */
export interface DaemonSetFacts {
  readonly uid: string
  readonly name: string
  /** Named `virt-handler`, or labelled `kubevirt.io: virt-handler`. */
  readonly isHandler: boolean
  readonly selects: Selection
}

/** A pod of KubeVirt's namespace on this node, being deleted or not, with the DaemonSet that controls it. */
export interface DaemonPod {
  readonly name: string
  readonly terminating: boolean
  readonly ownerUid: string
  readonly ownerName: string
}

/** The last successful answer about the DaemonSets of KubeVirt's namespace. */
export interface DaemonSetAnswer {
  readonly daemonSets: readonly DaemonSetFacts[]
  /** It was asked for after the last change of a pod that may be virt-handler's. */
  readonly isCurrent: boolean
  readonly ageMs: number
}

/** Why the last question has no answer. */
export interface RoleDoubt {
  readonly message: string
  /** Nobody answered at all; the question was not refused. */
  readonly isSilence: boolean
}

/** Everything that the role follows from. */
export interface RoleFacts {
  readonly asked: RoleChoice
  readonly namespace: string
  readonly answer: DaemonSetAnswer | null
  readonly doubt: RoleDoubt | null
  /** UIDs of every virt-handler DaemonSet that was ever answered, those that are gone included. */
  readonly handlersEver: ReadonlySet<string>
  /** Null: the pods were not listed yet. */
  readonly pods: readonly DaemonPod[] | null
}

/** The name of KubeVirt's DaemonSet, and the value of its label `kubevirt.io`. */
export const HANDLER_NAME = 'virt-handler'

/** An answer is good for so long while the API server is silent: longer than the outages that an agent has to live through. */
export const ANSWER_HOLDS_MS = 15 * 60_000

/**
 * Which role hotplugd has on this node. Pure.
 *
 * Two agents on one disk can collide, so everything that is not certain makes a companion; an agent is only made by an
 * answer that says that KubeVirt's virt-handler has no business here. What is certain, and what not:
 *
 * - *Who is virt-handler:* a DaemonSet in KubeVirt's own namespace, by name or label. A pod belongs to it by the UID in its
 *   controller reference. Its own labels, its name, and pods in other namespaces say nothing: anybody can write them.
 * - *Whether it selects this node* follows from the node's labels, which the agent may not read (least RBAC). Certain are
 *   the labels that every kubelet sets by itself, the node's name, and a DaemonSet whose own controller counts no node at all.
 *   Where more labels decide it is unknown, hence companion for as long as the DaemonSet exists; `--role agent` says otherwise.
 *   That a pod is missing says nothing: it may be on its way, in a restart or an update.
 * - *Pods outlive their DaemonSet:* one that is here, terminating or not, of a virt-handler that is or was, keeps the
 *   companion. And where a pod that may be one has come, gone or changed, only an answer asked for after that counts.
 * - *Silence is no answer, but takes none back:* without the API server no new virt-handler comes to a node, so an agent
 *   goes on by the last answer, for a limited time. A refusal (RBAC, token) makes a companion at once.
 */
export function decideRole(facts: RoleFacts): RoleVerdict {
  const { asked } = facts
  if (asked !== 'auto') return { role: asked, why: `--role ${asked} says so` }
  const why = whyCompanion(facts)
  return why === null ? { role: 'agent', why: whyAgent(facts) } : { role: 'companion', why }
}

function whyCompanion(facts: RoleFacts): string | null {
  return whyUncertain(facts) ?? whyPods(facts) ?? whyOutdated(facts) ?? whySelected(facts)
}

/** An answer from before a pod came or went says nothing about the DaemonSet that made it come or go. */
function whyOutdated({ answer, namespace }: RoleFacts): string | null {
  if (answer === null || answer.isCurrent) return null
  return `it is not known yet whether KubeVirt's virt-handler (namespace ${namespace}) is to run on this node: a pod of a DaemonSet has come, gone or changed since that was last asked`
}

function whyUncertain({ answer, doubt, pods, namespace }: RoleFacts): string | null {
  const question = `whether KubeVirt's virt-handler (namespace ${namespace}) is to run on this node`
  if (doubt !== null && (!doubt.isSilence || answer === null)) return `it cannot be found out ${question}: ${doubt.message}`
  if (answer === null || pods === null) return `it is not known yet ${question}`
  if (answer.ageMs <= ANSWER_HOLDS_MS) return null
  return `it was not found out for ${Math.round(answer.ageMs / 60_000)} minutes ${question}${doubt === null ? '' : `: ${doubt.message}`}`
}

function whyPods(facts: RoleFacts): string | null {
  const own = facts.pods?.find((pod) => isOfHandler(pod, facts))
  return own === undefined ? null : `KubeVirt's virt-handler ${own.terminating ? 'is still ending' : 'runs'} here: pod ${own.name}`
}

/** A DaemonSet that is gone is told by the name in the reference that it left. */
function isOfHandler(pod: DaemonPod, facts: RoleFacts): boolean {
  if (facts.handlersEver.has(pod.ownerUid)) return true
  return pod.ownerName === HANDLER_NAME && !isKnown(pod, facts)
}

function isKnown({ ownerUid }: DaemonPod, { answer }: RoleFacts): boolean {
  return answer?.daemonSets.some(({ uid }) => uid === ownerUid) === true
}

function whySelected({ answer }: RoleFacts): string | null {
  const handlers = answer?.daemonSets.filter(({ isHandler }) => isHandler) ?? []
  const sure = handlers.find(({ selects }) => selects === 'yes')
  if (sure !== undefined) return `DaemonSet ${sure.name} of KubeVirt selects this node`
  const unsure = handlers.find(({ selects }) => selects === 'unknown')
  if (unsure === undefined) return null
  return `DaemonSet ${unsure.name} of KubeVirt selects nodes by labels that hotplugd may not read, so this may be one of them; --role agent says that it is not`
}

function whyAgent({ answer, namespace }: RoleFacts): string {
  const handler = answer?.daemonSets.find(({ isHandler }) => isHandler)
  if (handler !== undefined) return `DaemonSet ${handler.name} of KubeVirt does not select this node, and no pod of it is here`
  return `namespace ${namespace} has no virt-handler DaemonSet, and no pod of one is here`
}
