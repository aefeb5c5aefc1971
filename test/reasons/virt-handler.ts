import type { Daemon } from '../support/daemon.ts'
import { type ApiServer, controlledBy, type KubeObject, type Made } from '../support/kubernetes/lab.ts'
import { until } from '../support/lab.ts'
import { NODE } from '../system/kubernetes/scene.ts'

const NAMESPACE = 'kubevirt'

export const AGENT = /^\[\+\]role ok: agent: /m
export const COMPANION = /^\[\+\]role ok: companion, nothing is changed: .*virt-handler-1/m

/** KubeVirt's virt-handler as the API server has it: a DaemonSet and its pod on the node. Nobody runs it. */
export class VirtHandler {
  readonly #server: ApiServer
  #made: Made[] = []

  constructor(server: ApiServer) {
    this.#server = server
  }

  async come(): Promise<void> {
    const owner = await this.#server.create(daemonSet())
    this.#made = [owner, await this.#server.create(podOf(owner))]
  }

  async leave(): Promise<void> {
    for (const object of this.#made.splice(0)) await this.#server.delete(object, { gracePeriodSeconds: 0 })
  }
}

/** Waits until the role's line of /readyz?verbose says so. */
export async function becomes(daemon: Daemon, role: RegExp): Promise<void> {
  await until(`the role: ${role}`, async () => {
    const { text } = await daemon.call('GET', '/readyz?verbose')
    if (role.test(text)) return true
    throw new Error(text)
  })
}

function daemonSet(): KubeObject {
  const [labels, name] = [{ 'kubevirt.io': 'virt-handler' }, 'virt-handler']
  const template = { metadata: { labels }, spec: { nodeSelector: { 'kubernetes.io/os': 'linux' }, containers: [{ name, image: 'none' }] } }
  return { apiVersion: 'apps/v1', kind: 'DaemonSet', metadata: { name, namespace: NAMESPACE, labels }, spec: { selector: { matchLabels: labels }, template } }
}

function podOf(owner: Made): KubeObject {
  const spec = { nodeName: NODE, automountServiceAccountToken: false, containers: [{ name: 'virt-handler', image: 'none' }] }
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'virt-handler-1', namespace: NAMESPACE, ownerReferences: [controlledBy(owner)] }, spec }
}
