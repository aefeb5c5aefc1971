import type { KubeObject, Made } from '../objects/kube-object.ts'
import type { ApiClient } from './api-client.ts'

export interface TokenOptions {
  /** Of the ServiceAccount. @default 'default' */
  readonly namespace?: string
  /** The pod that bears the token; its node becomes the token's node claim. */
  readonly pod?: Made
  /** A pod on that node is made for it. */
  readonly node?: string
  /** @default 3600 */
  readonly seconds?: number
}

interface Bearer {
  readonly namespace: string
  readonly serviceAccount: string
  readonly pod?: Made
}

export const requestToken = async (client: ApiClient, { namespace, serviceAccount, pod }: Bearer, seconds = 3600): Promise<string> => {
  const bound = pod && { boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: pod.metadata.name, uid: pod.metadata.uid } }
  const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${serviceAccount}/token`
  const { status } = await client.request<{ status: { token: string } }>('POST', path, {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: { expirationSeconds: seconds, ...bound },
  })
  return status.token
}

/** The pod that `serviceAccount` has on that node, made unless it is there. */
export const podOnNode = async (client: ApiClient, { namespace, serviceAccount, node }: { namespace: string; serviceAccount: string; node: string }): Promise<Made> => {
  const pod: KubeObject = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: `${serviceAccount}-${node}`, namespace },
    spec: { serviceAccountName: serviceAccount, nodeName: node, containers: [{ name: 'agent', image: 'none' }] },
  }
  return (await client.find(pod)) ?? client.create(pod)
}
