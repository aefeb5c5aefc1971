import { until } from '../../wait.ts'
import type { ApiServer } from './api-server.ts'

const RBAC = { apiGroup: 'rbac.authorization.k8s.io', apiVersion: 'rbac.authorization.k8s.io/v1' } as const

/** A cluster role and the service account that is to have it. */
export interface Binding {
  /** The binding's own name. */
  readonly name: string
  readonly role: string
  readonly account: { readonly namespace: string; readonly name: string }
}

interface Rule {
  readonly apiGroups?: readonly string[]
  readonly resources?: readonly string[]
  readonly verbs: readonly string[]
}

/** Gives a service account a role, and waits until the API server goes by it: what it was told it takes up a moment later. */
export async function bindRole(server: ApiServer, { name, role, account }: Binding): Promise<void> {
  const { apiGroup, apiVersion } = RBAC
  await server.create({ apiVersion, kind: 'ClusterRoleBinding', metadata: { name }, roleRef: { apiGroup, kind: 'ClusterRole', name: role }, subjects: [{ kind: 'ServiceAccount', ...account }] })
  const { rules } = (await server.request('GET', `/apis/${apiVersion}/clusterroles/${role}`)) as { rules: readonly Rule[] }
  const rule = rules.find(({ resources = [] }) => resources.length > 0)
  const resourceAttributes = { group: rule?.apiGroups?.[0], resource: rule?.resources?.[0], verb: rule?.verbs[0] }
  const spec = { user: `system:serviceaccount:${account.namespace}:${account.name}`, groups: ['system:serviceaccounts'], resourceAttributes }
  await until(`${spec.user} to have role ${role}`, async () => {
    const review = { apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview', spec }
    return ((await server.request('POST', '/apis/authorization.k8s.io/v1/subjectaccessreviews', review)) as { status: { allowed: boolean } }).status.allowed
  })
}
