import type { ApiServer } from '../support/kubernetes/server/api-server.ts'
import type { ApiClient } from '../support/kubernetes/server/api-client.ts'
import { startApiServer } from '../support/kubernetes/server/start-api-server.ts'
import { installKubeVirtCrds, type CrdOptions } from '../support/kubernetes/objects/install-crds.ts'
import type { Made } from '../support/kubernetes/objects/kube-object.ts'
import { vmi, type Vmi } from '../support/kubernetes/objects/vmi.ts'
import type { Teardown } from '../support/lab.ts'
import { until } from '../support/wait.ts'
import { CHART, NAMESPACE, RELEASE, runHelm, settings } from './chart.ts'

/** The agents' ServiceAccount. */
export const AGENT = `${RELEASE}-hotplugd`

/** An API server with KubeVirt's kinds on which a real helm installed the chart. No kubelet: nothing of it runs. */
export const installedChart = async (t: Teardown, options: CrdOptions = {}): Promise<ApiServer> => {
  const server = await startApiServer(t)
  await Promise.all([installKubeVirtCrds(server, options), server.createNamespace(NAMESPACE)])
  await helmOn(server, 'install', RELEASE, CHART, ...settings({ 'metrics.annotations': false }))
  await until('the admission policy to be in force', () => isInForce(server))
  return server
}

/** Runs helm as the administrator of that server, in the release's namespace. */
export const helmOn = (server: ApiServer, ...args: readonly string[]): Promise<string> =>
  runHelm([...args, '--namespace', NAMESPACE, '--kubeconfig', server.kubeconfig])

/** A client with the token that the kubelet of that node gives the agent's pod; null: a token bound to nothing. */
export const agentOn = async (server: ApiServer, node: string | null): Promise<ApiClient> => {
  const token = await server.tokenFor(AGENT, { namespace: NAMESPACE, ...(node !== null && { node }) })
  return (await server.as(token)).client
}

/** A VMI that runs on node1, with two volumes that have a status and a mark in each part that a policy could miss. */
export const guest = (server: ApiServer, name: string): Promise<Made<Vmi>> => {
  const entry = (volume: string) => ({ name: volume, target: '', phase: 'AttachedToNode', hotplugVolume: { attachPodName: 'p', attachPodUID: 'u' } })
  const object = vmi({ name, node: 'node1', volumes: [{ name: 'a' }, { name: 'b' }], status: { volumeStatus: [entry('a'), entry('b')], conditions: [{ type: 'Ready', status: 'True' }] } })
  const marks = { annotations: { mark: 'yes' }, finalizers: ['test.example/mark'], ownerReferences: [{ apiVersion: 'kubevirt.io/v1', kind: 'VirtualMachine', name, uid: '00000000-0000-0000-0000-000000000001' }] }
  return server.create({ ...object, metadata: { ...object.metadata, ...marks } } as Vmi)
}

/** A policy is in force a moment after it was made. It is when the one change that the role allows and the policy does not is refused. */
const isInForce = async (server: ApiServer): Promise<boolean> => {
  const probe = await server.find(vmi({ name: 'probe' })) ?? (await guest(server, 'probe'))
  const agent = await agentOn(server, 'node1')
  const refused = await agent.patch(probe, { metadata: { labels: { probe: `${Date.now()}` } } }).then(() => false, (error: Error) => error.message.includes('ValidatingAdmissionPolicy'))
  agent.hangUp()
  return refused
}
