import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { randomUUID } from 'node:crypto'
import t from 'tap'
import { type ServiceManager, serviceManager } from '../../src/adapters/linux/service-manager.ts'
import { systemClock } from '../../src/adapters/system-clock.ts'
import { type Teardown, until } from '../support/lab.ts'
import { listenForNotifications } from './notify-socket.ts'

// The clock's timers keep no process alive, and there is nothing else here that would.
const alive = setInterval(() => {}, 1_000)
t.teardown(() => clearInterval(alive))

const managerOf = (env: Readonly<Record<string, string>>, warnings: string[] = []): ServiceManager =>
  serviceManager(env, { clock: systemClock, log: { warn: (_fields, message) => void warnings.push(message) } })

async function place(t: Teardown): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'hotplugd-notify-'))
  t.teardown(() => rm(directory, { recursive: true, force: true }))
  return join(directory, 'notify')
}

for (const kind of ['a path', 'an abstract name']) {
  t.test(`reaches ${kind}`, async (t) => {
    const address = kind === 'a path' ? await place(t) : `@hotplugd-${randomUUID()}`
    const socket = await listenForNotifications(t, address)
    const service = managerOf({ NOTIFY_SOCKET: address })
    service.status('12 volumes Ready')
    service.ready()
    service.stopping()
    await socket.hears(/^STOPPING=1$/)
    t.same(socket.heard, ['STATUS=12 volumes Ready', 'READY=1', 'STOPPING=1'])
  })
}

t.test('nobody to tell: nothing happens', async (t) => {
  const warnings: string[] = []
  for (const env of [{}, { NOTIFY_SOCKET: '' }, { WATCHDOG_USEC: '1000' }]) {
    const service = managerOf(env, warnings)
    service.ready()
    service.status('x')
    service.stopping()
  }
  t.same(warnings, [])
  managerOf({ NOTIFY_SOCKET: 'vsock:2:1234' }, warnings).ready()
  t.equal(warnings.length, 1, 'an address of another kind is told of')
})

t.test('text from outside stays one line of one status', async (t) => {
  const socket = await listenForNotifications(t, await place(t))
  const service = managerOf({ NOTIFY_SOCKET: socket.address })
  service.status('a\nMAINPID=1\r\0READY=1\u2028b')
  service.status('ü'.repeat(100_000))
  service.stopping()
  await socket.hears(/^STOPPING/)
  t.equal(socket.heard[0], 'STATUS=a MAINPID=1  READY=1 b')
  t.ok(Buffer.byteLength(socket.heard[1] ?? '') < 4_096, 'systemd takes no more than a page')
  t.equal(socket.heard.length, 3)
})

t.test('ticks while asked to, and only the process that was asked', async (t) => {
  const socket = await listenForNotifications(t, await place(t))
  managerOf({ NOTIFY_SOCKET: socket.address, WATCHDOG_USEC: '20000', WATCHDOG_PID: '1' }).ready()
  managerOf({ NOTIFY_SOCKET: socket.address, WATCHDOG_USEC: 'soon' }).ready()
  managerOf({ NOTIFY_SOCKET: socket.address }).ready()
  await until('three READY', () => socket.of('READY').length === 3)
  t.same(socket.of('WATCHDOG'), [])
  managerOf({ NOTIFY_SOCKET: socket.address, WATCHDOG_USEC: '20000', WATCHDOG_PID: String(process.pid) }).ready()
  for (let tick = 0; tick < 5; tick++) await socket.hearsMore('WATCHDOG')
})

t.test('a manager that does not read holds nobody up, and hears the last word', async (t) => {
  const socket = await listenForNotifications(t, await place(t))
  const warnings: string[] = []
  socket.signal('SIGSTOP')
  const service = managerOf({ NOTIFY_SOCKET: socket.address }, warnings)
  for (let count = 1; count <= 5_000; count++) service.status(`number ${count}`)
  service.ready()
  socket.signal('SIGCONT')
  await socket.hears(/^STATUS=number 5000$/)
  await socket.hears(/^READY=1$/)
  t.same(warnings, [], 'a full queue is nothing to be told of')
  t.ok(socket.heard.length < 5_000, 'what was overtaken was left out')
})

t.test('a manager that comes back is told what it missed, in one', async (t) => {
  const address = await place(t)
  const warnings: string[] = []
  const service = managerOf({ NOTIFY_SOCKET: address }, warnings)
  service.status('starting')
  service.status('started')
  service.ready()
  t.same(warnings, ['the service manager cannot be told; trying on'])
  const socket = await listenForNotifications(t, address)
  await socket.hears(/^READY=1$/)
  t.same(socket.heard, ['STATUS=started', 'READY=1'])
})
