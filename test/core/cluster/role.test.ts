import t from 'tap'
import { readDaemonPod, readDaemonSet } from '../../../src/core/cluster/daemon-sets.ts'
import { knownNode, type Selection, selectsNode } from '../../../src/core/cluster/node-selection.ts'
import { ANSWER_HOLDS_MS, type DaemonPod, type DaemonSetFacts, decideRole, type RoleFacts } from '../../../src/core/cluster/role.ts'

const handler = (selects: Selection, over: Partial<DaemonSetFacts> = {}): DaemonSetFacts => ({ uid: 'ds1', name: 'virt-handler', isHandler: true, selects, ...over })
const other: DaemonSetFacts = { uid: 'ds2', name: 'something-else', isHandler: false, selects: 'yes' }
const pod = (over: Partial<DaemonPod> = {}): DaemonPod => ({ name: 'virt-handler-x', terminating: false, ownerUid: 'ds1', ownerName: 'virt-handler', ...over })
const answered = (...daemonSets: readonly DaemonSetFacts[]): RoleFacts['answer'] => ({ daemonSets, isCurrent: true, ageMs: 0 })

const NOBODY: RoleFacts = { asked: 'auto', namespace: 'kubevirt', answer: answered(), doubt: null, handlersEver: new Set(), pods: [] }
const SEEN = new Set(['ds1'])

const ROLES: readonly (readonly [string, Partial<RoleFacts>, 'agent' | 'companion', RegExp])[] = [
  ['no such DaemonSet, no pod', {}, 'agent', /no virt-handler DaemonSet, and no pod/],
  ['nothing is known yet', { answer: null, pods: null }, 'companion', /not known yet/],
  ['DaemonSets are known, pods are not', { pods: null }, 'companion', /not known yet/],
  ['pods are known, DaemonSets are not', { answer: null }, 'companion', /not known yet/],
  ['it selects the node and runs here', { answer: answered(handler('yes')), handlersEver: SEEN, pods: [pod()] }, 'companion', /runs here: pod virt-handler-x/],
  ['it selects the node, its pod is away for a restart', { answer: answered(handler('yes')), handlersEver: SEEN }, 'companion', /selects this node/],
  ['its selection cannot be told', { answer: answered(handler('unknown')), handlersEver: SEEN }, 'companion', /labels that hotplugd may not read.*--role agent/],
  ['it selects other nodes', { answer: answered(handler('no')), handlersEver: SEEN }, 'agent', /does not select this node/],
  ['it selects other nodes, its last pod is still ending', { answer: answered(handler('no')), handlersEver: SEEN, pods: [pod({ terminating: true })] }, 'companion', /still ending here: pod virt-handler-x/],
  ['it was deleted, its pod is still ending', { handlersEver: SEEN, pods: [pod({ terminating: true, ownerName: 'renamed' })] }, 'companion', /still ending/],
  ['it was deleted before hotplugd came, its pod is still there', { pods: [pod()] }, 'companion', /runs here/],
  ['two of them, one selects the node', { answer: answered(handler('no'), handler('yes', { uid: 'ds3', name: 'virt-handler-arm' })) }, 'companion', /virt-handler-arm .*selects/],
  ['a pod of another DaemonSet', { answer: answered(other), pods: [pod({ ownerUid: 'ds2', ownerName: 'something-else' })] }, 'agent', /no virt-handler/],
  ['a pod of a DaemonSet that no answer has told of, before the next answer', { answer: { daemonSets: [], isCurrent: false, ageMs: 0 }, pods: [pod({ ownerUid: 'new', ownerName: 'handler2' })] }, 'companion', /not known yet.*has come, gone or changed/],
  ['its last pod has gone since DaemonSets were asked for', { answer: { daemonSets: [], isCurrent: false, ageMs: 0 } }, 'companion', /has come, gone or changed/],
  ['the same after an answer that does not have it either', { pods: [pod({ ownerUid: 'new', ownerName: 'handler2' })] }, 'agent', /no virt-handler/],
  ['the question was refused', { doubt: { message: '403', isSilence: false } }, 'companion', /cannot be found out.*403/],
  ['nobody answered yet', { answer: null, doubt: { message: 'ECONNREFUSED', isSilence: true } }, 'companion', /cannot be found out.*ECONNREFUSED/],
  ['silence after an answer takes nothing back', { doubt: { message: 'ECONNREFUSED', isSilence: true }, answer: { daemonSets: [], isCurrent: true, ageMs: ANSWER_HOLDS_MS } }, 'agent', /no virt-handler/],
  ['long silence', { doubt: { message: 'ECONNREFUSED', isSilence: true }, answer: { daemonSets: [], isCurrent: true, ageMs: ANSWER_HOLDS_MS + 1 } }, 'companion', /15 minutes.*ECONNREFUSED/],
  ['asked to be the agent', { asked: 'agent', answer: answered(handler('yes')), pods: [pod()] }, 'agent', /--role agent/],
  ['asked to be the companion', { asked: 'companion' }, 'companion', /--role companion/],
]

t.test('the role follows from what is certain', async (t) => {
  for (const [name, facts, role, why] of ROLES) {
    const verdict = decideRole({ ...NOBODY, ...facts })
    t.equal(verdict.role, role, name)
    t.match(verdict.why, why, name)
  }
})

t.test('an agent is only ever made by a current answer without any virt-handler that may belong here', async (t) => {
  const daemonSets = [[], [handler('yes')], [handler('no')], [handler('unknown')], [other]]
  const pods = [null, [], [pod()], [pod({ terminating: true })], [pod({ ownerUid: 'ds2', ownerName: 'o' })]]
  const doubts = [null, { message: 'x', isSilence: true }, { message: 'x', isSilence: false }]
  const ages = [0, ANSWER_HOLDS_MS + 1]
  const all = daemonSets.flatMap((sets) => pods.flatMap((here) => doubts.flatMap((doubt) => ages.map((ageMs) => ({ sets, here, doubt, ageMs })))))
  for (const { sets, here, doubt, ageMs } of all) {
    const { role } = decideRole({ ...NOBODY, answer: { daemonSets: sets, isCurrent: true, ageMs }, pods: here, doubt, handlersEver: SEEN })
    const mayBeHere = here === null || here.some(({ ownerUid }) => ownerUid === 'ds1') || sets.some(({ isHandler, selects }) => isHandler && selects !== 'no')
    if (role === 'agent') t.notOk(mayBeHere || doubt?.isSilence === false || ageMs > 0, JSON.stringify({ sets, here, doubt, ageMs }))
  }
})

const NODE = knownNode('node1', 'x64')
const affinity = (...terms: readonly object[]): object => ({ affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: terms } } } })
const field = (operator: string, ...values: readonly string[]): object => ({ matchFields: [{ key: 'metadata.name', operator, values }] })
const label = (key: string, operator: string, ...values: readonly string[]): object => ({ matchExpressions: [{ key, operator, values }] })

const SELECTIONS: readonly (readonly [string, unknown, Selection])[] = [
  ['nothing asked', {}, 'yes'],
  ['every Linux node', { nodeSelector: { 'kubernetes.io/os': 'linux' } }, 'yes'],
  ['another system', { nodeSelector: { 'kubernetes.io/os': 'windows' } }, 'no'],
  ['this processor', { nodeSelector: { 'kubernetes.io/arch': 'amd64', 'kubernetes.io/os': 'linux' } }, 'yes'],
  ['another processor', { nodeSelector: { 'kubernetes.io/arch': 'arm64' } }, 'no'],
  ['a label of the operator', { nodeSelector: { 'kubernetes.io/os': 'linux', worker: 'true' } }, 'unknown'],
  ['another system decides, whatever the label', { nodeSelector: { 'kubernetes.io/os': 'windows', worker: 'true' } }, 'no'],
  ['pinned here', { nodeName: 'node1' }, 'yes'],
  ['pinned elsewhere', { nodeName: 'node2' }, 'no'],
  ['affinity by name, here', affinity(field('In', 'node2', 'node1')), 'yes'],
  ['affinity by name, elsewhere', affinity(field('In', 'node2')), 'no'],
  ['affinity by name, not here', affinity(field('NotIn', 'node1')), 'no'],
  ['one of two terms suffices', affinity(field('In', 'node2'), label('kubernetes.io/os', 'Exists')), 'yes'],
  ['one term certain not, one not known', affinity(field('In', 'node2'), label('worker', 'Exists')), 'unknown'],
  ['a node without the system’s own label', affinity(label('kubernetes.io/os', 'DoesNotExist')), 'no'],
  ['both must hold', { nodeSelector: { 'kubernetes.io/os': 'linux' }, ...affinity(field('In', 'node2')) }, 'no'],
  ['an empty term selects nothing', affinity({}), 'no'],
  ['an operator of the future', affinity(label('kubernetes.io/os', 'Like', 'lin*')), 'unknown'],
  ['no selector of ours', { nodeSelector: 'linux' }, 'unknown'],
]

t.test('whether pods may run here, as far as it is certain', async (t) => {
  for (const [name, spec, expected] of SELECTIONS) t.equal(selectsNode(spec, NODE), expected, name)
})

const daemonSet = (over: { readonly name?: string; readonly labels?: object; readonly generation?: number; readonly status?: object } = {}): object => ({
  metadata: { name: over.name ?? 'virt-handler', uid: 'ds1', generation: over.generation ?? 3, labels: over.labels ?? {} },
  spec: { template: { spec: {} } },
  ...(over.status && { status: over.status }),
})

t.test('DaemonSets and their pods are read, labels of pods are not', async (t) => {
  t.same(readDaemonSet(daemonSet(), NODE), { uid: 'ds1', name: 'virt-handler', isHandler: true, selects: 'yes' })
  t.match(readDaemonSet(daemonSet({ name: 'vh', labels: { 'kubevirt.io': 'virt-handler' } }), NODE), { isHandler: true })
  t.match(readDaemonSet(daemonSet({ name: 'other' }), NODE), { isHandler: false })
  t.match(readDaemonSet(daemonSet({ status: { observedGeneration: 3, desiredNumberScheduled: 0 } }), NODE), { selects: 'no' })
  t.match(readDaemonSet(daemonSet({ status: { observedGeneration: 2, desiredNumberScheduled: 0 } }), NODE), { selects: 'yes' }, 'counted before it was changed')
  t.match(readDaemonSet(daemonSet({ status: { desiredNumberScheduled: 0 } }), NODE), { selects: 'yes' }, 'not counted yet')
  t.equal(readDaemonSet({ metadata: {} }, NODE), null)
  const owned = (reference: object): object => ({ metadata: { name: 'p', labels: { 'kubevirt.io': 'virt-handler' }, ownerReferences: [reference] } })
  t.same(readDaemonPod(owned({ kind: 'DaemonSet', name: 'virt-handler', uid: 'ds1', controller: true })), { name: 'p', terminating: false, ownerUid: 'ds1', ownerName: 'virt-handler' })
  t.equal(readDaemonPod(owned({ kind: 'DaemonSet', name: 'virt-handler', uid: 'ds1' })), null, 'an owner that does not control it')
  t.equal(readDaemonPod(owned({ kind: 'ReplicaSet', name: 'virt-handler', uid: 'ds1', controller: true })), null)
  t.equal(readDaemonPod({ metadata: { name: 'p', labels: { 'kubevirt.io': 'virt-handler' } } }), null, 'only the label')
})
