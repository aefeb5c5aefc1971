import { ApiClient } from '../adapters/kubernetes/api/api-client.ts'
import { KUBEVIRT_GROUP_PATH, KUBEVIRTS_PATH, PODS_PATH } from '../adapters/kubernetes/api/paths.ts'
import { systemClock } from '../adapters/system-clock.ts'
import type { Config } from '../config/config.ts'
import { listAt, textAt } from '../core/cluster/json-object.ts'
import { asHotplugError } from '../errors.ts'
import { credentials } from '../modes/cluster-access.ts'
import { ACCESS_RULES, type AccessRule } from './access-rules.ts'
import { failed, ok, warning, wordsOf, type Finding } from './finding.ts'
import type { Surroundings } from './surroundings.ts'

/** Longer than anybody likes to wait, so that what is only slow is not called broken. */
const ANSWER_MS = 30_000

/** Does the API server answer, may the agent do there what it must, and is KubeVirt there? */
export async function lookAtCluster({ config }: Surroundings): Promise<readonly Finding[]> {
  const client = await connect(config)
  if (!(client instanceof ApiClient)) return [client]
  try {
    const version = await client.get('/version')
    const reached = ok('api-server', `${await serverOf(config)} answers: Kubernetes ${textAt(version, 'gitVersion') ?? 'of unknown version'}`)
    const looks = [lookAtAccess(client, config), lookAtKubeVirt(client), lookAtNodeName(client, config.nodeName ?? ''), lookAtHandler(client, config)]
    return [reached, ...(await Promise.all(looks)).flat()]
  } catch (thrown) {
    const { message, remedy } = asHotplugError(thrown)
    return [failed('api-server', message, remedy)]
  } finally {
    client.close()
  }
}

async function connect(config: Config): Promise<ApiClient | Finding> {
  try {
    return new ApiClient({ credentials: await credentials(config), clock: systemClock, timeoutMs: ANSWER_MS })
  } catch (thrown) {
    const { message, remedy } = asHotplugError(thrown)
    return failed('api-server', message, remedy)
  }
}

async function serverOf(config: Config): Promise<string> {
  return (await credentials(config)).server
}

/** Verb by verb, as the server itself would decide. */
async function lookAtAccess(client: ApiClient, { role }: Config): Promise<readonly Finding[]> {
  const needed = ACCESS_RULES.filter(({ verb }) => role !== 'companion' || ['get', 'list', 'watch'].includes(verb))
  const answers = await Promise.all(needed.map(async (rule) => ({ rule, denied: await deniedBecause(client, rule) })))
  const missing = answers.flatMap(({ rule, denied }) => (denied === null ? [] : [{ rule, denied }]))
  if (missing.length === 0) return [ok('rbac', `all ${needed.length} verbs are allowed`)]
  return missing.map(({ rule, denied }) => failed('rbac', `may not ${nameOf(rule)}${denied === '' ? '' : ` (${denied})`}, so this fails: ${rule.purpose}`, `Give the agent's ServiceAccount a ClusterRole with apiGroups: ["${rule.group}"], resources: ["${rule.resource}"], verbs: ["${rule.verb}"]; the Helm chart has all of them.`))
}

function nameOf({ group, resource, verb }: AccessRule): string {
  return `${verb} ${resource}${group === '' ? '' : `.${group}`}`
}

/** Null where it is allowed. */
async function deniedBecause(client: ApiClient, { group, resource: whole, verb }: AccessRule): Promise<string | null> {
  const [resource = '', subresource] = whole.split('/')
  const review = await client.review('/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', {
    apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectAccessReview',
    spec: { resourceAttributes: { group, resource, verb, ...(subresource === undefined ? {} : { subresource }) } },
  })
  const status = review['status']
  return typeof status === 'object' && status !== null && Reflect.get(status, 'allowed') === true ? null : (textAt(review, 'status', 'reason') ?? '')
}

async function lookAtKubeVirt(client: ApiClient): Promise<readonly Finding[]> {
  const group = await client.get(KUBEVIRT_GROUP_PATH)
  const names = listAt(group, 'resources').map((resource) => textAt(resource, 'name'))
  if (!names.includes('virtualmachineinstances')) return [failed('kubevirt', 'the API server has no virtualmachineinstances.kubevirt.io/v1', "Install KubeVirt's custom resources, or talk to the cluster that has them.")]
  return names.includes('kubevirts') ? quietly('kubevirt', () => lookAtGates(client)) : [warning('kubevirt', 'the API server has no kubevirts.kubevirt.io', 'Nothing to mend where there is no KubeVirt CR: --hotplug decides then.')]
}

async function lookAtGates(client: ApiClient): Promise<Finding> {
  const [first] = listAt(await client.get(KUBEVIRTS_PATH), 'items')
  if (first === undefined) return warning('kubevirt', 'there is no KubeVirt CR', 'Nothing to mend where there is none: --hotplug decides then.')
  const gates = listAt(first, 'spec', 'configuration', 'developerConfiguration', 'featureGates')
  return ok('kubevirt', `KubeVirt CR ${textAt(first, 'metadata', 'namespace')}/${textAt(first, 'metadata', 'name')}; feature gates: ${gates.join(', ') || 'none'}`)
}

/** A node of another name has no pods of ours: not even the agent's own. */
function lookAtNodeName(client: ApiClient, node: string): Promise<readonly Finding[]> {
  return quietly('node-name', async () => {
    const pods = listAt(await client.get(PODS_PATH, { fieldSelector: `spec.nodeName=${node}`, limit: 500 }), 'items').length
    if (pods > 0) return ok('node-name', `${pods} pods are on node ${node}`)
    return warning('node-name', `no pod at all is on a node ${JSON.stringify(node)}`, "Say --node-name as the node's name is in the cluster: kubectl get nodes.")
  })
}

function lookAtHandler(client: ApiClient, { kubevirtNamespace, role }: Config): Promise<readonly Finding[]> {
  return quietly('role', async () => {
    const handler = await client.get(`/apis/apps/v1/namespaces/${encodeURIComponent(kubevirtNamespace)}/daemonsets/virt-handler`)
    const seen = handler === null ? `no virt-handler DaemonSet in namespace ${kubevirtNamespace}` : `KubeVirt's virt-handler is in namespace ${kubevirtNamespace}: where it runs, hotplugd is companion`
    return ok('role', `--role ${role}; ${seen}`)
  })
}

/** What may not even be asked is told by rbac already. */
async function quietly(name: string, look: () => Promise<Finding>): Promise<readonly Finding[]> {
  try {
    return [await look()]
  } catch (thrown) {
    return [warning(name, `cannot be found out: ${wordsOf(thrown)}`, 'Mend what rbac says.')]
  }
}
