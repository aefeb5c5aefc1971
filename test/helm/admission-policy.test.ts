import t, { type Test } from 'tap'
import type { ApiClient } from '../support/kubernetes/server/api-client.ts'
import type { ApiServer } from '../support/kubernetes/server/api-server.ts'
import { bindRole } from '../support/kubernetes/server/bind-role.ts'
import { vmi } from '../support/kubernetes/objects/vmi.ts'
import { NAMESPACE } from './chart.ts'
import { AGENT, agentOn, guest, installedChart } from './installed.ts'

t.setTimeout(300_000)

const READY = [
  { op: 'test', path: '/status/volumeStatus/0/name', value: 'a' },
  { op: 'replace', path: '/status/volumeStatus/0/phase', value: 'Ready' },
  { op: 'replace', path: '/status/volumeStatus/0/target', value: 'sda' },
  { op: 'add', path: '/status/volumeStatus/0/reason', value: 'VolumeReady' },
] as const

/** Changes of what is not an agent's, as merge patches, and what the refusal names. */
const FOREIGN: readonly (readonly [string, object, RegExp])[] = [
  ['the spec', { spec: { terminationGracePeriodSeconds: 7 } }, /the spec was changed/],
  ['a field less in the spec', { spec: { evictionStrategy: null } }, /the spec was changed/],
  ['a volume of the spec', { spec: { volumes: [{ name: 'a', persistentVolumeClaim: { claimName: 'stolen', hotpluggable: true } }] } }, /the spec was changed/],
  ['a label', { metadata: { labels: { 'kubevirt.io/nodeName': 'node2' } } }, /metadata.labels was changed/],
  ['all labels', { metadata: { labels: null } }, /metadata.labels was changed/],
  ['an annotation', { metadata: { annotations: { mark: 'no' } } }, /metadata.annotations was changed/],
  ['all annotations', { metadata: { annotations: null } }, /metadata.annotations was changed/],
  ['the finalizers', { metadata: { finalizers: [] } }, /metadata.finalizers was changed/],
  ['the owner', { metadata: { ownerReferences: [] } }, /metadata.ownerReferences was changed/],
  ['the phase', { status: { phase: 'Failed' } }, /another field of the status/],
  ['the node', { status: { nodeName: 'node2' } }, /another field of the status/],
  ['a field of the status less', { status: { qosClass: null } }, /another field of the status/],
  ['a field of the status more', { status: { reason: 'Because' } }, /another field of the status/],
  ['the conditions', { status: { conditions: [] } }, /another field of the status/],
  ['a migration', { status: { migrationState: { targetNode: 'node2' } } }, /another field of the status/],
  ['all of the status', { status: null }, /another field of the status/],
  ['its own field and another one', { status: { volumeStatus: [], phase: 'Failed' } }, /another field of the status/],
]

const denied = (words: RegExp) => ({ status: 403, message: words })

async function foreignChangesAreRefused(t: Test, server: ApiServer, agent: ApiClient): Promise<void> {
  const object = await guest(server, 'foreign')
  for (const [what, patch, words] of FOREIGN) await t.rejects(agent.patch(object, patch), denied(words), what)
  const { metadata, spec, status } = await server.get(object)
  t.same({ ...metadata, managedFields: null }, { ...object.metadata, managedFields: null })
  t.same({ spec, status }, { spec: object.spec, status: object.status })
}

/** Whatever other role somebody binds to it. */
async function neverCreatesOrDeletes(t: Test, server: ApiServer, agent: ApiClient): Promise<void> {
  const object = await guest(server, 'kept')
  await bindRole(server, { name: 'too-much', role: 'cluster-admin', account: { name: AGENT, namespace: NAMESPACE } })
  await t.rejects(agent.create(vmi({ name: 'made' })), denied(/neither creates nor deletes/))
  await t.rejects(agent.delete(object), denied(/neither creates nor deletes/))
  await t.rejects(agent.request('DELETE', '/apis/kubevirt.io/v1/namespaces/default/virtualmachineinstances'), denied(/neither creates nor deletes/))
  await t.rejects(agent.replace({ ...object, spec: { ...object.spec, terminationGracePeriodSeconds: 9 } } as typeof object), denied(/the spec was changed/))
}

t.test('a VMI without status subresource, as KubeVirt has it', async (t) => {
  const server = await installedChart(t)
  const agent = await agentOn(server, 'node1')
  const other = await agentOn(server, 'node2')
  const unbound = await agentOn(server, null)

  await t.test('the agent of its node may write volumeStatus', async (t) => {
    const object = await guest(server, 'own')
    t.match(await agent.patch(object, READY), { status: { volumeStatus: [{ name: 'a', phase: 'Ready', target: 'sda', reason: 'VolumeReady' }, { name: 'b' }] } })
  })

  await t.test('the agent of another node, and a token that names none, may not', async (t) => {
    const object = await guest(server, 'others')
    await t.rejects(other.patch(object, READY), denied(/the agent of node "node2" may not change a VirtualMachineInstance of node "node1"/))
    await t.rejects(unbound.patch(object, READY), denied(/the token names no node/))
    const unscheduled = await server.create(vmi({ name: 'unscheduled', status: { nodeName: '' } }))
    await t.rejects(agent.patch(unscheduled, { status: { volumeStatus: [] } }), denied(/of node ""/))
  })

  await t.test('after a move the new node’s agent may, and the old one’s may not', async (t) => {
    const object = await guest(server, 'moved')
    await server.patch(object, { status: { nodeName: 'node2' } })
    await t.rejects(agent.patch(object, READY), denied(/the agent of node "node1" may not/))
    t.match(await other.patch(object, READY), { status: { nodeName: 'node2' } })
  })

  await t.test('nothing else may be changed', (t) => foreignChangesAreRefused(t, server, agent))

  await t.test('a VMI without status cannot be claimed', async (t) => {
    const { status: _, ...bare } = vmi({ name: 'bare' })
    const object = await server.create(bare)
    await t.rejects(agent.patch(object, { status: { phase: 'Running', nodeName: 'node1', volumeStatus: [] } }), denied(/of node ""/))
  })

  await t.test('256 volumes are no more than it can judge', async (t) => {
    const volumes = Array.from({ length: 256 }, (_, index) => ({ name: `volume-${index}`, disk: { serial: `SERIAL-${index}` } }))
    const entries = volumes.map(({ name }) => ({ name, target: '', phase: 'AttachedToNode', message: 'x'.repeat(200) }))
    const object = await server.create(vmi({ name: 'large', volumes, status: { volumeStatus: entries } }))
    t.match(await agent.patch(object, [{ op: 'replace', path: '/status/volumeStatus/255/phase', value: 'Ready' }]), { metadata: { name: 'large' } })
    await t.rejects(agent.patch(object, [{ op: 'replace', path: '/spec/volumes/255/persistentVolumeClaim/claimName', value: 'stolen' }]), denied(/the spec was changed/))
  })

  await t.test('others are none of its business', async (t) => {
    const object = await guest(server, 'free')
    await server.create({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: AGENT, namespace: 'default' } })
    await bindRole(server, { name: 'controller', role: `${AGENT}.${NAMESPACE}`, account: { name: AGENT, namespace: 'default' } })
    const { client } = await server.as(await server.tokenFor(AGENT))
    t.match(await client.patch(object, { metadata: { labels: { of: 'another' } }, status: { phase: 'Succeeded' } }), { status: { phase: 'Succeeded' } })
    client.hangUp()
  })

  await t.test('it never creates or deletes one, whatever its role', (t) => neverCreatesOrDeletes(t, server, agent))
  for (const client of [agent, other, unbound]) client.hangUp()
})

t.test('a VMI with a status subresource', async (t) => {
  const server = await installedChart(t, { vmiStatusSubresource: true })
  const agent = await agentOn(server, 'node1')
  const other = await agentOn(server, 'node2')
  const object = await guest(server, 'own')
  t.match(await agent.patch(object, READY, '/status'), { status: { volumeStatus: [{ phase: 'Ready', target: 'sda' }, {}] } })
  await t.rejects(other.patch(object, READY, '/status'), denied(/the agent of node "node2" may not/))
  await t.rejects(agent.patch(object, { status: { phase: 'Failed' } }, '/status'), denied(/another field of the status/))
  await t.rejects(agent.patch(object, { metadata: { labels: { a: 'b' } } }), denied(/metadata.labels was changed/))
  t.same((await agent.patch(object, { metadata: { annotations: { a: 'b' } } }, '/status')).metadata.annotations, { mark: 'yes' }, 'the server itself ignores it')
  for (const client of [agent, other]) client.hangUp()
})
