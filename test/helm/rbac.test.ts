import t from 'tap'
import type { ApiServer } from '../support/kubernetes/server/api-server.ts'
import { NAMESPACE } from './chart.ts'
import { AGENT, agentOn, guest, helmOn, installedChart } from './installed.ts'

t.setTimeout(300_000)

const VERBS = ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete', 'deletecollection']

/** What everybody who is authenticated may do on any cluster: ask what it is allowed itself. */
const EVERYBODYS = /^(authorization|authentication)\.k8s\.io\/selfsubject\w+: create$/

interface Resource {
  readonly group: string
  readonly name: string
}

const server = await installedChart(t)

/** All resources and subresources that the server has. */
async function resources(server: ApiServer): Promise<readonly Resource[]> {
  const { groups } = await server.request<{ groups: readonly { name: string; preferredVersion: { groupVersion: string } }[] }>('GET', '/apis')
  const places = [{ group: '', path: '/api/v1' }, ...groups.map(({ name, preferredVersion }) => ({ group: name, path: `/apis/${preferredVersion.groupVersion}` }))]
  const found = places.map(async ({ group, path }) => {
    const { resources } = await server.request<{ resources: readonly { name: string }[] }>('GET', path)
    return resources.map(({ name }) => ({ group, name }))
  })
  return (await Promise.all(found)).flat()
}

async function isAllowed(server: ApiServer, { group, name }: Resource, verb: string): Promise<boolean> {
  const [resource, subresource] = name.split('/')
  const { status } = await server.request<{ status: { allowed: boolean } }>('POST', '/apis/authorization.k8s.io/v1/subjectaccessreviews', {
    apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview',
    spec: {
      user: `system:serviceaccount:${NAMESPACE}:${AGENT}`, groups: ['system:serviceaccounts', `system:serviceaccounts:${NAMESPACE}`, 'system:authenticated'],
      resourceAttributes: { group, resource, ...(subresource !== undefined && { subresource }), verb, namespace: 'default', name: 'any' },
    },
  })
  return status.allowed
}

t.test('of all verbs on all resources of the server, an agent may use exactly these', async (t) => {
  const asked = (await resources(server)).flatMap((resource) => VERBS.map((verb) => ({ resource, verb })))
  t.ok(asked.length > 400)
  const answers = await Promise.all(asked.map(async ({ resource, verb }) => ({ text: `${resource.group || 'core'}/${resource.name}: ${verb}`, allowed: await isAllowed(server, resource, verb) })))
  const allowed = answers.filter(({ allowed, text }) => allowed && !EVERYBODYS.test(text)).map(({ text }) => text)
  const expected = {
    'apps/daemonsets': ['get', 'list'],
    'core/events': ['create', 'patch'],
    'core/pods': ['get', 'list', 'watch'],
    'kubevirt.io/kubevirts': ['get', 'list', 'watch'],
    'kubevirt.io/virtualmachineinstances': ['get', 'list', 'patch', 'watch'],
  }
  t.same(allowed.sort(), Object.entries(expected).flatMap(([resource, verbs]) => verbs.map((verb) => `${resource}: ${verb}`)).sort())
  t.ok(await isAllowed(server, { group: 'kubevirt.io', name: 'virtualmachineinstances/status' }, 'patch'), 'where the VMI has a status subresource')
})

t.test('what an agent does works with its own token', async (t) => {
  const agent = await agentOn(server, 'node1')
  const object = await guest(server, 'seen')
  t.match(await agent.request('GET', '/apis/kubevirt.io/v1'), { kind: 'APIResourceList' })
  t.match(await agent.get(object), { metadata: { name: 'seen' } })
  t.equal((await agent.list('kubevirt.io/v1', 'VirtualMachineInstance', undefined, 'labelSelector=kubevirt.io/nodeName=node1')).length, 2)
  t.same((await agent.list('v1', 'Pod', undefined, 'fieldSelector=spec.nodeName=node1')).map(({ metadata }) => metadata.name), [`${AGENT}-node1`])
  t.same(await agent.list('kubevirt.io/v1', 'KubeVirt'), [])
  t.equal((await agent.list('apps/v1', 'DaemonSet', NAMESPACE)).length, 1)
  const { apiVersion, kind, metadata } = object
  const event = await agent.create({
    apiVersion: 'v1', kind: 'Event', metadata: { name: 'seen.1', namespace: 'default' }, type: 'Normal', reason: 'VolumeReady', message: 'Successfully attach hotplugged volume a to VM',
    involvedObject: { apiVersion, kind, name: metadata.name, namespace: 'default', uid: metadata.uid }, source: { component: 'hotplugd', host: 'node1' },
  })
  t.match(await agent.patch(event, { count: 2 }), { count: 2 })
  for (const forbidden of ['/api/v1/nodes', '/api/v1/secrets', '/api/v1/configmaps', '/api/v1/persistentvolumeclaims']) await t.rejects(agent.request('GET', forbidden), /: 403 /, forbidden)
  agent.hangUp()
})

t.test('helm upgrade and uninstall', async (t) => {
  t.match(await helmOn(server, 'status', 'plug'), /STATUS: deployed/)
  t.match(await helmOn(server, 'upgrade', 'plug', 'helm/hotplugd', '--set', 'agent.role=companion'), /REVISION: 2/)
  await helmOn(server, 'uninstall', 'plug')
  for (const kind of ['clusterroles', 'clusterrolebindings', 'validatingadmissionpolicies', 'validatingadmissionpolicybindings', 'daemonsets', 'serviceaccounts']) {
    t.notMatch(await server.kubectl('get', kind, '--all-namespaces', '--output', 'name'), /plug-hotplugd/, kind)
  }
})
