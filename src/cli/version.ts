import { VERSION } from '../version.ts'
import type { Session } from './session.ts'

/** What `hotplugctl --version` says. */
export const OWN_VERSION = `hotplugctl ${VERSION}`

/** `hotplugctl version`. */
export async function version(session: Session): Promise<void> {
  session.print(OWN_VERSION)
  const { gitVersion } = await session.client.get<{ gitVersion: string }>('/version')
  session.print(`hotplugd ${gitVersion.replace(/^v/, '')}`)
}
