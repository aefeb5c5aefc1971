import { at, isRecord, listAt, textAt } from './json-object.ts'
import { type KnownNode, selectsNode, type Selection } from './node-selection.ts'
import { type DaemonPod, type DaemonSetFacts, HANDLER_NAME } from './role.ts'

/** Reads a DaemonSet as the API server sent it; null for what has no name or UID. */
export function readDaemonSet(object: unknown, node: KnownNode): DaemonSetFacts | null {
  const [uid, name] = [textAt(object, 'metadata', 'uid'), textAt(object, 'metadata', 'name')]
  if (!uid || !name) return null
  const isHandler = name === HANDLER_NAME || textAt(object, 'metadata', 'labels', 'kubevirt.io') === HANDLER_NAME
  return { uid, name, isHandler, selects: selection(object, node) }
}

/** Its controller counts the nodes that are to run it; a count of an earlier version of it says nothing. */
function selection(object: unknown, node: KnownNode): Selection {
  const [generation, counted] = [at(object, 'metadata', 'generation'), at(object, 'status', 'observedGeneration')]
  const isCounted = typeof generation === 'number' && generation === counted
  if (isCounted && at(object, 'status', 'desiredNumberScheduled') === 0) return 'no'
  return selectsNode(at(object, 'spec', 'template', 'spec'), node)
}

/** The part of a pod that tells whether a DaemonSet controls it; null for pods of others. */
export function readDaemonPod(object: unknown): DaemonPod | null {
  const owner = listAt(object, 'metadata', 'ownerReferences').find((reference) => at(reference, 'controller') === true)
  const [name, ownerUid] = [textAt(object, 'metadata', 'name'), textAt(owner, 'uid')]
  if (!isRecord(owner) || owner['kind'] !== 'DaemonSet' || !name || !ownerUid) return null
  const terminating = textAt(object, 'metadata', 'deletionTimestamp') !== null
  return { name, terminating, ownerUid, ownerName: textAt(owner, 'name') ?? '' }
}
