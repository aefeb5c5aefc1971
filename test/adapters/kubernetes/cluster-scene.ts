import { bindRole } from '../../support/kubernetes/server/bind-role.ts'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import type { Test } from 'tap'
import { type Cluster, type ClusterOptions, openCluster } from '../../../src/adapters/kubernetes/cluster.ts'
import type { Credentials } from '../../../src/adapters/kubernetes/api/credentials.ts'
import { inClusterCredentials } from '../../../src/adapters/kubernetes/api/in-cluster.ts'
import { systemClock } from '../../../src/adapters/system-clock.ts'
import type { DesiredSnapshot } from '../../../src/model/desired.ts'
import { type VmKey, vmKey } from '../../../src/model/ids.ts'
import type { Condition, VolumeStatus } from '../../../src/model/status.ts'
import { until } from '../../support/wait.ts'
import { attachmentPod, type ApiServer, claim, launcherPod, type Made, VirtController, vmi, type Vmi, type VolumeMode } from '../../support/kubernetes/lab.ts'


export const NODE = 'node1'
const QUICK = { firstBackoffMs: 20, longestBackoffMs: 200 }

/** The rules of the Helm chart, as far as the API side needs them. */
const RULES = [
  { apiGroups: ['kubevirt.io'], resources: ['virtualmachineinstances'], verbs: ['get', 'list', 'watch', 'patch'] },
  { apiGroups: ['kubevirt.io'], resources: ['virtualmachineinstances/status'], verbs: ['patch'] },
  { apiGroups: ['kubevirt.io'], resources: ['kubevirts'], verbs: ['get', 'list', 'watch'] },
  { apiGroups: [''], resources: ['pods'], verbs: ['get', 'list', 'watch'] },
  { apiGroups: [''], resources: ['events'], verbs: ['create'] },
]

/** A service account with those rules. */
export async function makeAgentAccount(server: ApiServer, rules: readonly object[] = RULES): Promise<void> {
  await server.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'hotplugd' } })
  await server.create({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'agent', namespace: 'hotplugd' } })
  await server.create({ apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', metadata: { name: 'agent' }, rules })
  await bindRole(server, { name: 'agent', role: 'agent', account: { name: 'agent', namespace: 'hotplugd' } })
}

/** What the kubelet would mount into the agent's pod. */
export async function serviceAccount(t: Test, server: ApiServer): Promise<{ readonly credentials: Credentials; readonly directory: string }> {
  const directory = await mkdtemp(join(tmpdir(), 'sa-'))
  t.teardown(() => rm(directory, { recursive: true }))
  await writeFile(join(directory, 'token'), await server.tokenFor('agent', { namespace: 'hotplugd' }))
  await writeFile(join(directory, 'ca.crt'), await readFile(server.caFile, 'utf8'))
  const { hostname, port } = new URL(server.url)
  const env = { KUBERNETES_SERVICE_HOST: hostname, KUBERNETES_SERVICE_PORT: port }
  return { credentials: inClusterCredentials({ env, directory, clock: systemClock }), directory }
}

/** The API side of an agent, and the snapshots that an engine would get. */
export class Agent {
  readonly cluster: Cluster
  readonly snapshots: DesiredSnapshot[] = []

  constructor(cluster: Cluster) {
    this.cluster = cluster
  }

  get snapshot(): DesiredSnapshot | undefined {
    return this.snapshots.at(-1)
  }

  async synced(): Promise<DesiredSnapshot> {
    return until('a whole reading', () => (this.snapshot?.synced ? this.snapshot : null))
  }

  volume(vm: VmKey, name: string): DesiredSnapshot['volumes'][number] | undefined {
    return this.snapshot?.volumes.find((volume) => volume.vm === vm && volume.name === name)
  }

  publish(vm: VmKey, ...volumes: readonly VolumeStatus[]): void {
    this.cluster.sink.publish({ vm, uid: 'd', state: 'Running', volumes, problems: [] })
  }
}

export async function startAgent(t: Test, credentials: Credentials, options: Partial<ClusterOptions> = {}): Promise<Agent> {
  const cluster = openCluster({ credentials, node: NODE, hotplug: true, clock: systemClock, log: pino({ level: 'silent' }), times: QUICK, ...options })
  const agent = new Agent(cluster)
  t.teardown(() => cluster.source.close())
  await cluster.source.start((snapshot) => agent.snapshots.push(snapshot))
  return agent
}

/** A VM on the node with its launcher. */
export interface RunningVm {
  readonly vm: VmKey
  readonly made: Made<Vmi>
  readonly launcher: Made
  readonly controller: VirtController
}

export async function startVm(server: ApiServer, name: string): Promise<RunningVm> {
  const made = await server.create(vmi({ name }))
  const launcher = await server.create(launcherPod(made))
  const controller = new VirtController(server, made)
  await controller.status({ activePods: { [launcher.metadata.uid]: NODE } })
  return { vm: vmKey({ namespace: 'default', name }), made, launcher, controller }
}

/** What the controller does for one volume, until its attachment pod is ready. */
export async function attachVolume(server: ApiServer, { controller, launcher, made: { metadata } }: RunningVm, name: string, mode: VolumeMode = 'Block'): Promise<Made> {
  const shape = { name: `${metadata.uid.slice(0, 8)}-${name}`, mode }
  const made = await server.create(claim(shape))
  await controller.plug({ name, claim: shape.name })
  await controller.bound(shape, name)
  const pod = await server.create(attachmentPod(launcher, [{ volume: name, claim: made, mode }]))
  await controller.attachedToNode(name, { name: pod.metadata.name, uid: pod.metadata.uid })
  return pod
}

const condition = (type: Condition['type'], holds: boolean): Condition => ({ type, status: holds ? 'True' : 'False', reason: '', message: '', lastTransitionTime: '' })

/** What an engine says of a volume. */
export function says(name: string, state: 'plugging' | 'exposed' | 'ready' | 'released', over: Partial<VolumeStatus> = {}): VolumeStatus {
  const [phase, reason] = ({ plugging: ['Pending', 'Plugging'], exposed: ['Pending', 'Plugging'], ready: ['Ready', 'VolumeReady'], released: [null, 'VolumeReleased'] } as const)[state]
  const conditions = [condition('Exposed', state === 'exposed' || state === 'ready'), condition('Ready', state === 'ready')]
  return { name, target: state === 'ready' ? 'sda' : '', serial: name, hotplugged: true, phase, reason, message: reason, conditions, stages: [], source: null, sizeBytes: null, origin: 'vmi', persisted: false, ...over }
}
