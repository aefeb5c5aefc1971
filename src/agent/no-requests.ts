import { HotplugError } from '../errors.ts'
import type { Requests } from './requests.ts'

/** For a mode in which volumes are wanted by other means than requests to the local API. */
export const NO_REQUESTS: Pick<Requests, 'add' | 'remove'> = { add: refuse, remove: refuse }

function refuse({ vm, name }: { readonly vm: { readonly name: string }; readonly name: string }): Promise<void> {
  return Promise.reject(new HotplugError('AskTheCluster', `volume ${name} of ${vm.name}: in Kubernetes mode this API plugs and unplugs nothing`))
}
