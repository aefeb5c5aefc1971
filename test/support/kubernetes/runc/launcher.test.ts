import { readFile } from 'node:fs/promises'
import t from 'tap'
import { startRuncLauncher } from './launcher.ts'
import { startRuncNode } from './runc-node.ts'

void t.test('a launcher made by runc has a real libvirt and a guest that answers, in its own cgroup', async (t) => {
  const node = await startRuncNode(t)
  const launcher = await startRuncLauncher(node)
  t.same(await launcher.guest.disks(), [])
  const pid = Number(await readFile(`${launcher.host.root}/run/libvirt/qemu/default_vm1.pid`, 'utf8'))
  t.match(await readFile(`/proc/${pid}/cgroup`, 'utf8'), `pod${launcher.pod.uid}/`)
  await launcher.kill()
  t.match(await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => 'gone'), /^gone|\) Z /, 'nobody may have reaped it yet')
})
