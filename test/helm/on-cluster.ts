import { hotplugdImage, IMAGE, type Say } from '../image/build.ts'
import type { Cluster } from '../support/kubernetes/cluster/cluster.ts'
import type { KubeObject, Made } from '../support/kubernetes/objects/kube-object.ts'
import { until } from '../support/wait.ts'
import { CHART, runHelm, settings } from './chart.ts'

/** The release on a cluster of the lab, and where it is. */
const RELEASE = 'hotplugd'
const NAMESPACE = 'hotplugd'
const PORT = 9480

const DAEMONSET = { apiVersion: 'apps/v1', kind: 'DaemonSet', metadata: { name: RELEASE, namespace: NAMESPACE } }

type Values = Readonly<Record<string, unknown>>

interface DaemonSetState extends KubeObject {
  readonly metadata: KubeObject['metadata'] & { readonly generation: number }
  readonly status: { readonly observedGeneration?: number; readonly updatedNumberScheduled?: number; readonly numberAvailable?: number; readonly desiredNumberScheduled?: number }
}

/** hotplugd as its users have it: the image of the Containerfile, installed by helm, run by the node's kubelet. */
export class InstalledAgent {
  readonly #cluster: Cluster

  constructor(cluster: Cluster) {
    this.#cluster = cluster
  }

  /** The agent's pod that is not on its way out. Throws unless there is exactly one. */
  async pod(): Promise<Made> {
    const pods = await this.#cluster.server.list('v1', 'Pod', NAMESPACE, 'labelSelector=app.kubernetes.io/name=hotplugd')
    const [pod, ...more] = pods.filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    if (pod === undefined || more.length > 0) throw new Error(`${pods.length} pods of hotplugd`)
    return pod
  }

  /** Resolves when the newest version runs on each node, and is ready where `ready` says so. @default true */
  async rolledOut(ready = true): Promise<Made> {
    await until('the DaemonSet to be rolled out', async () => {
      const { metadata, status } = await this.#cluster.server.get<DaemonSetState>(DAEMONSET)
      const { observedGeneration = 0, updatedNumberScheduled = 0, numberAvailable = 0, desiredNumberScheduled = 0 } = status
      const done = observedGeneration >= metadata.generation && desiredNumberScheduled === 1 && updatedNumberScheduled === 1 && (!ready || numberAvailable === 1)
      if (!done) throw new Error(`${JSON.stringify(status)} ${await this.whatItSays()}`)
      return true
    }, 100)
    return this.pod()
  }

  /** Changes values, as `helm upgrade --reuse-values` does, and waits for the new pod. */
  async upgrade(values: Values): Promise<Made> {
    await this.#helm('upgrade', RELEASE, CHART, '--reuse-values', ...settings(values))
    return this.rolledOut()
  }

  /** Runs hotplugctl in the agent's pod. Throws CommandError. */
  async hotplugctl(...args: readonly string[]): Promise<string> {
    return this.#cluster.exec(await this.pod(), 'hotplugctl', ...args)
  }

  /** What a probe gets: status code and text of `/readyz?verbose`, `/livez`, `/metrics`. */
  async probe(path: string): Promise<{ readonly status: number; readonly text: string }> {
    const { podIP } = (await this.pod())['status'] as { podIP?: string }
    const answer = await fetch(`http://${podIP}:${PORT}${path}`)
    return { status: answer.status, text: await answer.text() }
  }

  /** Its log, and why its container does not run. */
  async whatItSays(): Promise<string> {
    const pod = await this.pod().catch(() => null)
    return pod === null ? 'no pod' : `${JSON.stringify((pod['status'] as { containerStatuses?: unknown }).containerStatuses)}\n${await this.#cluster.logs(pod)}`
  }

  /** Resolves when none of its pods is left. What is plugged stays. */
  async uninstall(): Promise<void> {
    const pod = await this.pod()
    await this.#helm('uninstall', RELEASE)
    await this.#cluster.podGone(pod)
  }

  async #helm(verb: string, ...args: readonly string[]): Promise<string> {
    return runHelm([verb, ...args, '--namespace', NAMESPACE, '--kubeconfig', this.#cluster.server.kubeconfig])
  }

  /** Makes the namespace and installs the chart; waits for nothing. */
  async install(values: Values): Promise<void> {
    const [repository, tag] = IMAGE.split(/:(?=[^:]*$)/)
    const own = { image: { repository, tag, pullPolicy: 'Never' }, kubeletDir: this.#cluster.kubeletDir }
    await this.#helm('install', RELEASE, CHART, '--create-namespace', ...settings({ ...own, ...values }))
  }
}

/** Imports the image into the node and installs the chart. Resolves at once; the pod is ready after `rolledOut`. */
export const installHotplugd = async (cluster: Cluster, values: Values = {}, say?: Say): Promise<InstalledAgent> => {
  await cluster.importImage(await hotplugdImage(say))
  const agent = new InstalledAgent(cluster)
  await agent.install(values)
  return agent
}
