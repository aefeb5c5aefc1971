import { chmod, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import t, { type Test } from 'tap'
import { type Daemon, startDaemon } from '../support/daemon.ts'
import { type LibvirtHost, startLibvirtHost, startPausedDomain } from '../support/lab.ts'
import { ctl, makeImage } from './user-scene.ts'

/** A guest whose QEMU is nobody, as on most hosts, and an image that only root may open. */
async function startAsNobody(t: Test, dynamicOwnership: 0 | 1): Promise<{ host: LibvirtHost; daemon: Daemon; image: string }> {
  const host = await startLibvirtHost(t, { qemu: { user: 'nobody', group: 'nogroup', dynamic_ownership: dynamicOwnership } })
  await startPausedDomain(host)
  const image = await makeImage(t)
  await chmod(dirname(image), 0o755)
  await chmod(image, 0o600)
  return { host, image, daemon: await startDaemon(t, { libvirt: host.uri }) }
}

t.test('with dynamic ownership libvirt gives the image to QEMU, and takes it back', async (t) => {
  const { daemon, image } = await startAsNobody(t, 1)
  await ctl(daemon, 'addvolume', 'vm1', '--volume-name=data', `--source=${image}`, '--wait')
  t.not((await stat(image)).uid, 0)
  await ctl(daemon, 'removevolume', 'vm1', '--volume-name=data', '--wait')
})

t.test('without it: the agent chowns nothing; a condition says what to do', async (t) => {
  const { daemon, image } = await startAsNobody(t, 0)
  t.equal((await daemon.add('vm1', 'data', image)).status, 202)
  const volume = await daemon.reason('vm1', 'data', 'PermissionDenied')
  t.match(volume, { phase: 'Pending', message: /Permission denied.*Enable dynamic_ownership in libvirt's qemu\.conf/ })
  t.match(await ctl(daemon, 'explain', 'vm1', 'data'), /^data is not in the guest: libvirt refused to attach [^]*Remedy: +Enable dynamic_ownership[^]*Next: +plug is tried again in/)
  t.equal((await stat(image)).uid, 0)
  await chmod(image, 0o666)
  await daemon.ready('vm1', 'data')
})
