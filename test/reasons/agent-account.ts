import { join } from 'node:path'
import { NAMESPACE, one, RELEASE, template } from '../helm/chart.ts'
import { type ApiServer, type KubeObject } from '../support/kubernetes/lab.ts'
import { writeKubeconfig } from '../support/kubernetes/server/credentials.ts'
import { until } from '../support/lab.ts'
import { NODE } from '../system/kubernetes/scene.ts'

interface Rule {
  readonly resources: readonly string[]
  readonly verbs: readonly string[]
}

type Role = KubeObject & { readonly rules: readonly Rule[] }

/** The service account of the Helm chart, its role, and a kubeconfig with a token bound to a pod, as the agent's is. */
export class AgentAccount {
  readonly kubeconfig: string
  readonly user: string
  readonly #server: ApiServer
  readonly #role: Role
  readonly #name: string

  private constructor(server: ApiServer, role: Role, name: string) {
    this.#server = server
    this.#role = role
    this.#name = name
    this.user = `system:serviceaccount:${NAMESPACE}:${name}`
    this.kubeconfig = join(server.directory, 'kubeconfig-agent')
  }

  static async make(server: ApiServer): Promise<AgentAccount> {
    const chart = await template()
    const [account, role, binding] = ['ServiceAccount', 'ClusterRole', 'ClusterRoleBinding'].map((kind) => one(chart, kind) as KubeObject)
    await server.createNamespace(NAMESPACE)
    for (const object of [account, role, binding]) if (object !== undefined) await server.create(object)
    const made = new AgentAccount(server, role as Role, account?.metadata.name ?? RELEASE)
    await made.renew()
    return made
  }

  /** A token that is valid, in the kubeconfig. */
  async renew(): Promise<void> {
    await writeKubeconfig(this.kubeconfig, this.#server.url, this.#server.caFile, await this.#token())
  }

  /** The pod that the token is bound to goes, and the token counts for nothing; the API server may take a while to notice. */
  async revoke(): Promise<void> {
    await this.#server.delete({ apiVersion: 'v1', kind: 'Pod', metadata: { name: `${this.#name}-${NODE}`, namespace: NAMESPACE } }, { gracePeriodSeconds: 0 })
  }

  /** Takes a verb on a resource away, and waits until that is so. */
  async forbid(verb: string, resource: string, path: string): Promise<void> {
    const rules = this.#role.rules.map((rule) => (rule.resources.includes(resource) ? { ...rule, verbs: rule.verbs.filter((one) => one !== verb) } : rule))
    await this.#server.patch(this.#role, { rules })
    await this.isAnswered(403, verb === 'get' ? 'GET' : 'PATCH', path)
  }

  /** The role as in the chart. */
  async allow(): Promise<void> {
    await this.#server.patch(this.#role, { rules: this.#role.rules })
  }

  /** Waits until such a request of the agent, which changes nothing, gets that answer. */
  async isAnswered(status: number, method: 'GET' | 'PATCH', path: string): Promise<void> {
    const { client } = await this.#server.as(await this.#token())
    const body = method === 'GET' ? undefined : []
    const answer = (): Promise<number> => client.request(method, path, body, 'application/json-patch+json').then(() => 200, (error: { status: number }) => error.status)
    await until(`${method} ${path} to be answered ${status}`, async () => (await answer()) === status)
    client.hangUp()
  }

  #token(): Promise<string> {
    return this.#server.tokenFor(this.#name, { namespace: NAMESPACE, node: NODE })
  }
}
