import { chmod } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Test } from 'tap'
import { type Daemon, startDaemon } from '../support/daemon.ts'
import { type LibvirtHost, startLibvirtHost, startPausedDomain } from '../support/lab.ts'
import { makeImage } from './user-scene.ts'

/** A guest whose QEMU is nobody, as on most hosts, and an image that only root may open. */
export async function startAsNobody(t: Test, dynamicOwnership: 0 | 1): Promise<{ host: LibvirtHost; daemon: Daemon; image: string }> {
  const host = await startLibvirtHost(t, { qemu: { user: 'nobody', group: 'nogroup', dynamic_ownership: dynamicOwnership } })
  await startPausedDomain(host)
  const image = await makeImage(t)
  await chmod(dirname(image), 0o755)
  await chmod(image, 0o600)
  return { host, image, daemon: await startDaemon(t, { libvirt: host.uri }) }
}
