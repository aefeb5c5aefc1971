import { readFileSync } from 'node:fs'
import type { Session } from './session.ts'

/** The version in package.json, three directories above the compiled file. */
export function ownVersion(): string {
  const manifest: { version: string } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'))
  return `hotplugctl ${manifest.version}`
}

/** `hotplugctl version`. */
export async function version(session: Session): Promise<void> {
  session.print(ownVersion())
  const { gitVersion } = await session.client.get<{ gitVersion: string }>('/version')
  session.print(`hotplugd ${gitVersion.replace(/^v/, '')}`)
}
