import { until } from '../../wait.ts'
import type { ApiClient } from '../server/api-client.ts'
import { kubeVirtCrds } from './crds.ts'

export interface CrdOptions {
  /** KubeVirt's has none. @default false */
  readonly vmiStatusSubresource?: boolean
}

/** Installs what `kubevirt.io/v1` needs, or changes it, and resolves when all its kinds are served. */
export const installKubeVirtCrds = async (server: ApiClient, { vmiStatusSubresource = false }: CrdOptions = {}): Promise<void> => {
  for (const crd of kubeVirtCrds(vmiStatusSubresource)) {
    const present = await server.find(crd)
    await (present ? server.patch(present, { spec: crd['spec'] }) : server.create(crd))
  }
  await until('kubevirt.io/v1 to be served', async () => {
    const { resources } = await server.request<{ resources: { name: string }[] }>('GET', '/apis/kubevirt.io/v1')
    const names = resources.map(({ name }) => name)
    return PLURALS.every((plural) => names.includes(plural)) && names.includes(`${PLURALS[0]}/status`) === vmiStatusSubresource
  })
  for (const plural of PLURALS) await until(`${plural} to be served`, () => server.request('GET', `/apis/kubevirt.io/v1/${plural}`))
}

const PLURALS = ['virtualmachineinstances', 'virtualmachines', 'kubevirts'] as const
