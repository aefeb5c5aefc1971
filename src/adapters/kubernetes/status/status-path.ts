import { listAt, textAt } from '../../../core/cluster/json-object.ts'
import type { ApiClient } from '../api/api-client.ts'
import { KUBEVIRT_GROUP_PATH } from '../api/paths.ts'

/**
 * Whether the status of a VMI is written by itself (`…/status`) or with the object. KubeVirt's own CRD has no status
 * subresource, others may: the API server is asked once, and again when the answer proved wrong.
 */
export class StatusPath {
  readonly #client: Pick<ApiClient, 'get'>
  #suffix: Promise<string> | null = null
  #isForeseen = false

  constructor(client: Pick<ApiClient, 'get'>) {
    this.#client = client
  }

  /** `/status`, or nothing. @throws HotplugError */
  suffix(): Promise<string> {
    if (this.#suffix !== null) return this.#suffix
    const asked = this.#ask()
    this.#suffix = asked
    asked.catch(() => {
      if (this.#suffix === asked) this.#suffix = null
    })
    return asked
  }

  /** Asks before the first write is due; should that fail, the write will ask. */
  foresee(): void {
    if (this.#isForeseen) return
    this.#isForeseen = true
    this.suffix().catch(() => undefined)
  }

  forget(): void {
    this.#suffix = null
  }

  async #ask(): Promise<string> {
    const resources = listAt(await this.#client.get(KUBEVIRT_GROUP_PATH), 'resources')
    const hasStatus = resources.some((resource) => textAt(resource, 'name') === 'virtualmachineinstances/status')
    return hasStatus ? '/status' : ''
  }
}
