import { openSync, closeSync } from 'node:fs'
import { once } from 'node:events'
import { createConnection, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import tap from 'tap'
import { peerCredentials } from '../../../src/adapters/linux/peer-credentials.ts'
import { start } from './fixture.ts'
import { scratch } from './scratch.ts'

const CONNECT = `
  process.setgroups([7, 8, 9])
  process.setgid(65534)
  process.setuid(65534)
  require('node:net').createConnection(process.argv[1], () => console.log('ready'))
`

void tap.test('who is at the other end, as the kernel recorded it', async (t) => {
  const path = join(await scratch(t), 'socket')
  const server = createServer().listen(path)
  t.teardown(() => server.close())
  await once(server, 'listening')
  const { chmodSync } = process.getBuiltinModule('node:fs')
  chmodSync(join(path, '..'), 0o711)
  chmodSync(path, 0o666)
  const connected = once(server, 'connection') as Promise<[Socket]>
  const peer = await start(t, process.execPath, '-e', CONNECT, path)
  const [socket] = await connected
  t.teardown(() => socket.destroy())
  const { groups, ...rest } = peerCredentials(fdOf(socket))
  t.same(rest, { pid: peer.pid, uid: 65534, gid: 65534 })
  t.same(groups.toSorted((a, b) => a - b), [7, 8, 9])
})

void tap.test('more groups than a first guess holds', async (t) => {
  const path = join(await scratch(t), 'socket')
  const server = createServer().listen(path)
  t.teardown(() => server.close())
  const before = process.getgroups?.() ?? []
  const many = Array.from({ length: 200 }, (_, i) => 1000 + i)
  process.setgroups?.(many)
  const client = createConnection(path)
  const [socket] = (await once(server, 'connection')) as [Socket]
  process.setgroups?.(before)
  t.same(peerCredentials(fdOf(socket)).groups, many)
  t.equal(peerCredentials(fdOf(socket)).pid, process.pid)
  client.destroy()
  socket.destroy()
})

void tap.test('what has no peer says so', async (t) => {
  const file = openSync('/dev/null', 'r')
  t.throws(() => peerCredentials(file), { code: 'ENOTSOCK', syscall: 'getsockopt' })
  closeSync(file)
  t.throws(() => peerCredentials(99_999), { code: 'EBADF' })
  const server = createServer().listen(join(await scratch(t), 'socket'))
  await once(server, 'listening')
  t.equal(peerCredentials(fdOf(server)).pid, process.pid, 'a listening socket tells who listens')
  server.close()
})

/** Node keeps the descriptor on the handle. */
function fdOf(socket: object): number {
  const handle: unknown = Reflect.get(socket, '_handle')
  return typeof handle === 'object' && handle !== null ? Number(Reflect.get(handle, 'fd')) : -1
}
