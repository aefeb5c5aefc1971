import type { Socket } from 'node:net'
import t from 'tap'
import { spawnAs } from './as-user.ts'
import { call, dial, put, startLab, until, type Lab } from './lab.ts'
import { runningVm, VM1 } from './samples.ts'

const GET = '/apis/kubevirt.io/v1/virtualmachineinstances'
const PUT = '/apis/subresources.kubevirt.io/v1/namespaces/default/virtualmachineinstances/vm1/addvolume'
const HEAD = `PUT ${PUT} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n`
const ADD = { name: 'data', disk: {}, volumeSource: { local: { path: '/x' } } }

async function labWith(t: { teardown(end: () => unknown): void }, limits: object = {}, group: number | null = null): Promise<Lab> {
  const lab = await startLab({ limits, groups: { admin: null, socket: group } })
  lab.agent.set(runningVm(VM1))
  t.teardown(() => lab.close())
  return lab
}

/** Sends bytes, and resolves with all that came when the server has closed the connection. */
async function sayRaw(lab: Lab, bytes: string): Promise<string> {
  const socket = await dial(lab.socket)
  let text = ''
  socket.on('data', chunk => (text += chunk)).on('error', () => undefined)
  socket.write(bytes)
  await new Promise(resolve => socket.on('close', resolve))
  return text
}

t.test('bodies that are refused', async t => {
  const lab = await labWith(t)
  const cases: [Parameters<typeof call>[2] & object, number][] = [
    [{ raw: `"${'x'.repeat(70_000)}"` }, 413],
    [{ raw: '{"name":' }, 400],
    [{ raw: '' }, 400],
    [{ raw: '{"__proto__":{"name":"x"},"name":"data"}' }, 400],
    [{ raw: '{}', headers: { 'content-type': 'text/plain' } }, 415],
    [{ raw: 'name: data', headers: { 'content-type': 'application/yaml' } }, 415],
    [{ raw: '{}', headers: { 'content-type': 'nonsense' } }, 415],
  ]
  for (const [options, code] of cases) {
    const answer = await call(lab.socket, PUT, { method: 'PUT', ...options })
    t.match(answer, { code, json: { kind: 'Status', status: 'Failure', code } }, `${options.raw?.slice(0, 30)} ${options.headers?.['content-type']}`)
  }
  t.same(lab.agent.requests, [])
})

t.test('slow and broken clients are cut, others are served meanwhile', async t => {
  const lab = await labWith(t, { headersTimeoutMs: 300, requestTimeoutMs: 600 })
  const cut = [
    sayRaw(lab, ''),
    sayRaw(lab, 'GET /livez HTTP/1.1\r\nHost: x\r\nX-Slow'),
    sayRaw(lab, `${HEAD}Content-Length: 1000\r\n\r\n{"na`),
    sayRaw(lab, `${HEAD}Transfer-Encoding: chunked\r\n\r\n5\r\n{"nam`),
  ]
  t.equal((await put(lab.socket, PUT, ADD)).code, 202)
  for (const text of await Promise.all(cut)) t.match(text, /^(HTTP\/1\.1 408 |$)/)
  t.match(await sayRaw(lab, 'hello\r\n\r\n'), /^HTTP\/1\.1 400 .*"kind":"Status"/s)
  t.match(await sayRaw(lab, `GET /livez HTTP/1.1\r\nX: ${'x'.repeat(40_000)}\r\n\r\n`), /^HTTP\/1\.1 431 /)
  t.match(await sayRaw(lab, `${HEAD}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`), /^HTTP\/1\.1 400 /, 'no smuggling')
  t.equal(lab.agent.requests.length, 1)
})

t.test('a client that does not read its answers is cut', async t => {
  const lab = await labWith(t, { silenceTimeoutMs: 300 })
  lab.agent.set({ ...runningVm(VM1), problems: [{ reason: 'x', message: 'y'.repeat(8_000_000) }] })
  const deaf = await dial(lab.socket)
  let isClosed = false
  deaf.on('error', () => undefined).on('close', () => (isClosed = true))
  deaf.pause().write(`GET ${GET} HTTP/1.1\r\nHost: x\r\n\r\n`)
  await until('it is cut', () => {
    if (!deaf.destroyed) deaf.write('x', () => undefined)
    return isClosed
  })
  t.equal((await call(lab.socket, '/livez')).code, 200)
})

t.test('many requests on one connection come back in order', async t => {
  const lab = await labWith(t)
  const text = await sayRaw(lab, 'GET /livez HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(500) + 'GET /version HTTP/1.1\r\nConnection: close\r\n\r\n')
  t.equal(text.match(/HTTP\/1\.1 200/g)?.length, 501)
  t.match(text.slice(-200), /gitVersion/)
})

const CROWD = `
const socketPath = process.argv[1]
let closed = 0
for (let count = 0; count < 1000; count++) {
  const socket = require('node:net').connect(socketPath)
  socket.resume().on('error', () => undefined).on('close', () => process.stdout.write(++closed + '\\n'))
}
`

t.test('1,000 connections of one user: its own bound is reached, root and others go on', async t => {
  const group = 61_001
  const lab = await labWith(t, { connectionsPerUser: 8, headersTimeoutMs: 60_000 }, group)
  const crowd = spawnAs({ uid: 65_534, gid: 65_534, groups: [group] }, CROWD, lab.socket)
  t.teardown(() => crowd.kill('SIGKILL'))
  let closed = 0
  crowd.stdout?.on('data', chunk => (closed = Number(String(chunk).trim().split('\n').at(-1))))
  await until('all above the bound are closed', () => closed >= 992)
  t.equal(closed, 992)
  t.equal((await put(lab.socket, PUT, ADD)).code, 202)
})

t.test('who has too many is told so', async t => {
  const lab = await labWith(t, { connectionsOfRoot: 3 })
  const idle: Socket[] = []
  t.teardown(() => idle.forEach(socket => socket.destroy()))
  for (let count = 0; count < 3; count++) idle.push(await dial(lab.socket))
  t.match(await call(lab.socket, '/livez'), { code: 429, headers: { 'retry-after': '1' }, json: { reason: 'TooManyRequests', details: { causes: [{ reason: 'TooManyRequests' }, { reason: 'Remedy' }] } } })
  idle.forEach(socket => socket.destroy())
  await until('there is room again', async () => (await call(lab.socket, '/livez')).code === 200)
})
