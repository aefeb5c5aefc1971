import { until } from '../../wait.ts'
import type { ApiClient } from '../server/api-client.ts'
import { kubeVirtCrds } from './crds.ts'

export interface CrdOptions {
  /** KubeVirt's has none. @default false */
  readonly vmiStatusSubresource?: boolean
}

/** Installs what `kubevirt.io/v1` needs and resolves when all its kinds are served. */
export const installKubeVirtCrds = async (server: ApiClient, options: CrdOptions = {}): Promise<void> => {
  const crds = kubeVirtCrds(options.vmiStatusSubresource)
  await Promise.all(crds.map((crd) => server.create(crd)))
  for (const crd of crds) await until(`${crd.metadata.name} to be served`, () => isServed(server, crd.metadata.name.split('.')[0] ?? ''))
}

const isServed = async (server: ApiClient, plural: string): Promise<boolean> => {
  const { resources } = await server.request<{ resources: { name: string }[] }>('GET', '/apis/kubevirt.io/v1')
  return resources.some(({ name }) => name === plural) && Boolean(await server.request('GET', `/apis/kubevirt.io/v1/${plural}`))
}
