import { chmod, stat } from 'node:fs/promises'
import t from 'tap'
import { startAsNobody } from './as-nobody.ts'
import { ctl } from './user-scene.ts'

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
