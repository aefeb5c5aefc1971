import { VERSION } from '../../version.ts'
import type { Session } from '../session.ts'

/** What `hotplugctl --version` says, with any command. */
export const OWN_VERSION = `hotplugctl ${VERSION}`

/** `hotplugctl version`: its own, and that of the daemon that runs. */
export async function version(session: Session): Promise<void> {
  session.print(OWN_VERSION)
  const { gitVersion } = await session.client.get<{ gitVersion: string }>('/version')
  const ofDaemon = gitVersion.replace(/^v/, '')
  session.print(`hotplugd ${ofDaemon}`)
  if (ofDaemon !== VERSION) session.warn('warning: they are of different versions; restart hotplugd after an upgrade, nothing is unplugged by that')
}
