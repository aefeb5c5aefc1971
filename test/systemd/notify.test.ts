import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { daemonDirectories, spawnDaemon, startDaemon } from '../support/daemon.ts'
import { defineGuest, type LibvirtHost, makeBlockDevice, startLibvirtHost, startPausedDomain } from '../support/lab.ts'
import { listenForNotifications } from './notify-socket.ts'

let host: LibvirtHost
t.before(async () => {
  host = await startLibvirtHost(t)
  await startPausedDomain(host, { name: 'vm1' })
  await defineGuest(host, { name: 'off' })
})

const imageIn = async (directory: string, name = 'disk.img'): Promise<string> => {
  await writeFile(join(directory, name), Buffer.alloc(4_096))
  return join(directory, name)
}
const abstractName = (): string => `@hotplugd-${randomUUID()}`

t.test('a life as systemd hears it', async (t) => {
  const device = await makeBlockDevice(1 << 22, t)
  const socket = await listenForNotifications(t, abstractName())
  const directories = await daemonDirectories(t)
  const daemon = await startDaemon(t, { libvirt: host.uri, directories, env: { NOTIFY_SOCKET: socket.address, WATCHDOG_USEC: '100000' } })
  await socket.hears(/^READY=1$/)
  t.equal(socket.heard[0], 'STATUS=starting')
  t.match(await daemon.log(), 'hotplugd started')
  await socket.hears(/^STATUS=no volumes; libvirt default connected$/)

  await daemon.add('vm1', 'data', device.path)
  await socket.hears(/^STATUS=1 volume Ready; libvirt default connected$/)
  await daemon.add('off', 'later', await imageIn(directories.base))
  await socket.hears(/^STATUS=1 volume Ready, 1 Pending \(later of default\/off: VmNotRunning\); libvirt default connected$/)
  await daemon.remove('off', 'later')

  await host.kill9()
  await socket.hears(/^STATUS=1 volume Ready; libvirt default not connected \(.+\)$/)
  socket.heard.length = 0
  await host.restart()
  await socket.hears(/^STATUS=1 volume Ready; libvirt default connected$/)

  await socket.hearsMore('WATCHDOG')
  t.same(socket.of('STOPPING'), [])
  await daemon.stop()
  await socket.hears(/^STOPPING=1$/)
  t.equal(daemon.child.exitCode, 0)
  t.match(await host.virsh('domblklist', 'vm1'), device.path, 'the disk stays where it is')
})

t.test('the loop stands still: no tick, and no answer to a probe; it turns again: both', async (t) => {
  const socket = await listenForNotifications(t, abstractName())
  const daemon = await startDaemon(t, { libvirt: host.uri, env: { NOTIFY_SOCKET: socket.address, WATCHDOG_USEC: '40000' } })
  await socket.hearsMore('WATCHDOG')
  daemon.child.kill('SIGSTOP')
  await sleep(200) // what was sent before arrives
  const before = socket.heard.length
  await sleep(1_000)
  t.equal(socket.heard.length, before)
  const livez = `http://${await daemon.listening()}/livez`
  await t.rejects(fetch(livez, { signal: AbortSignal.timeout(1_000) }), { name: 'TimeoutError' })
  daemon.child.kill('SIGCONT')
  await socket.hearsMore('WATCHDOG')
  t.equal((await fetch(livez)).status, 200)
})

t.test('a storm of changes is told at most once a second', async (t) => {
  const socket = await listenForNotifications(t, abstractName())
  const began = Date.now()
  const directories = await daemonDirectories(t)
  const daemon = await startDaemon(t, { libvirt: host.uri, directories, env: { NOTIFY_SOCKET: socket.address } })
  for (let count = 0; count < 60; count++) await daemon.add('off', `later-${count}`, await imageIn(directories.base, `${count}.img`))
  await socket.hears(/^STATUS=60 volumes Pending \(later-\d+ of default\/off: VmNotRunning\)/)
  t.ok(socket.of('STATUS').length <= (Date.now() - began) / 1_000 + 2, `${socket.of('STATUS').length} lines`)
  t.same(socket.of('WATCHDOG'), [], 'nobody asked for a watchdog')
})

t.test('READY only once it is its turn, and why not before', async (t) => {
  const directories = await daemonDirectories(t)
  const first = await startDaemon(t, { libvirt: host.uri, directories })
  const socket = await listenForNotifications(t, abstractName())
  const second = await spawnDaemon(t, { libvirt: host.uri, directories, env: { NOTIFY_SOCKET: socket.address } })
  await socket.hears(new RegExp(`^STATUS=waiting for another hotplugd to end: process ${first.pid}$`))
  t.same(socket.of('READY'), [])
  await first.stop()
  await socket.hears(/^READY=1$/)
  await second.stop()
})

t.test('told why it cannot run', async (t) => {
  const socket = await listenForNotifications(t, abstractName())
  const daemon = await spawnDaemon(t, { libvirt: host.uri, env: { NOTIFY_SOCKET: socket.address }, flags: ['--admin-group', 'no-such-group'] })
  await daemon.waitEnd()
  await socket.hears(/^STATUS=cannot run: group no-such-group is not in \/etc\/group$/)
  t.same(socket.of('READY'), [])
  t.not(daemon.child.exitCode, 0)
})

t.test('ends if it cannot listen, so that it is started again', async (t) => {
  const taken = createServer().listen(0, '127.0.0.1')
  t.teardown(() => taken.close())
  await once(taken, 'listening')
  const { port } = taken.address() as AddressInfo
  const socket = await listenForNotifications(t, abstractName())
  const daemon = await spawnDaemon(t, { libvirt: host.uri, env: { NOTIFY_SOCKET: socket.address }, flags: ['--listen', `127.0.0.1:${port}`] })
  await daemon.waitEnd()
  await socket.hears(/^STATUS=cannot run: cannot listen on 127\.0\.0\.1:/)
  t.equal(daemon.child.exitCode, 1)
  t.equal(existsSync(daemon.socket), false, 'nothing of it is left')
})

t.test('without a service manager nothing is different', async (t) => {
  const daemon = await startDaemon(t, { libvirt: host.uri, env: { WATCHDOG_USEC: '20000' } })
  t.notMatch(await daemon.log(), /service manager/)
  await daemon.stop()
  t.equal(daemon.child.exitCode, 0)
})
