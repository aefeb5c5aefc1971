import { spawn } from 'node:child_process'
import { mkdtemp, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { Registry } from 'prom-client'
import { createLocalApi, type RunningServer } from '../../src/http/local-api.ts'
import { FakeAgent } from './fake-agent.ts'
import { diagnostics, call, silent } from './lab.ts'
import { peerOf } from './peer-of.ts'

const directory = await mkdtemp(join(tmpdir(), 'hp-sock-'))
t.teardown(() => rm(directory, { recursive: true }))

function start(socket: string): Promise<RunningServer> {
  const groups = { admin: null, socket: null }
  return createLocalApi({ agent: new FakeAgent(), log: silent, registry: new Registry(), socket, groups, namespaces: ['default'], version: '1', peerOf, diagnostics: diagnostics() })
}

/** What a killed daemon leaves: a socket file that nobody listens on. */
async function leaveStale(path: string): Promise<void> {
  const child = spawn(process.execPath, ['-e', `require('node:net').createServer().listen(process.argv[1], () => process.kill(process.pid, 'SIGKILL'))`, path])
  await new Promise(resolve => child.on('close', resolve))
}

t.test('nothing is left when it closes, and nothing beside the socket while it runs', async t => {
  const path = join(directory, 'a.sock')
  const server = await start(path)
  t.equal((await stat(path)).mode & 0o777, 0o660)
  t.same(await readdir(directory), ['a.sock'])
  t.equal((await call(path, '/livez')).code, 200)
  await server.close()
  t.same(await readdir(directory), [])
})

t.test('the socket of a dead daemon is replaced', async t => {
  const path = join(directory, 'stale.sock')
  await leaveStale(path)
  t.ok((await stat(path)).isSocket())
  const server = await start(path)
  t.equal((await call(path, '/livez')).code, 200)
  await server.close()
})

t.test('the socket of a live one is an error, and the live one goes on', async t => {
  const path = join(directory, 'live.sock')
  const first = await start(path)
  await t.rejects(start(path), { message: `another process serves ${path}` })
  t.equal((await call(path, '/livez')).code, 200)
  await first.close()
})

t.test('what is not a socket is left alone', async t => {
  const file = join(directory, 'file')
  await writeFile(file, 'mine')
  await symlink('/nowhere', join(directory, 'link'))
  await t.rejects(start(file), { message: /exists and is not a socket/ })
  await t.rejects(start(join(directory, 'link')), { message: /is not a socket/ })
  await t.rejects(start(join(directory, 'missing', 'x.sock')), { message: /cannot listen on .*ENOENT/ })
  t.same((await readdir(directory)).sort(), ['file', 'link'])
})

t.test('one that closes late does not remove its successor', async t => {
  const path = join(directory, 'next.sock')
  const first = await start(path)
  await rm(path)
  const second = await start(path)
  await first.close()
  t.equal((await call(path, '/livez')).code, 200)
  await second.close()
})
