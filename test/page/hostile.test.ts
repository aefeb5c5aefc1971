import { request, type IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import t from 'tap'
import { openLoopback, type Loopback, type LoopbackOptions } from '../../src/cli/ui/loopback.ts'
import { silent, startLab, until, type Lab } from '../http/lab.ts'
import { runningVm, VM1 } from '../http/samples.ts'
import { dialPort, enter, sayRaw, visit } from './visitor.ts'

const WATCH = '/apis/kubevirt.io/v1/virtualmachineinstances?watch=true'
const CHANGE = '/apis/subresources.kubevirt.io/v1/namespaces/default/virtualmachineinstances/vm1/removevolume'

interface House {
  readonly lab: Lab
  readonly page: Loopback
}

async function houseWith(t: { teardown(end: () => unknown): void }, limits: LoopbackOptions['limits'] = {}, labLimits: object = {}): Promise<House> {
  const lab = await startLab({ limits: labLimits })
  lab.agent.set(runningVm(VM1))
  const page = await openLoopback({ socketPath: lab.socket, port: 0, log: silent, limits })
  t.teardown(() => page.close())
  t.teardown(() => lab.close())
  return { lab, page }
}

/** A watch through the port, as the page has it. */
function watch(port: number, cookie: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port, path: WATCH, headers: { cookie }, agent: false }, resolve).on('error', reject).end()
  })
}

t.test('nothing without the token, and the token once', async t => {
  const { lab, page } = await houseWith(t)
  for (const path of ['/', '/ui/', '/ui/page/page.css', WATCH, '/readyz', '/?token=', '/?token=x']) t.match(await visit(page.port, path), { code: 401, text: /"reason":"AccessDenied"/ }, path)
  const guest = await enter(page)
  t.match(guest.cookie, /^hotplugd-ui-\d+=[\w-]{32}$/)
  t.match(await visit(page.port, '/ui/', { headers: guest }), { code: 200, headers: { 'content-type': /^text\/html/, 'content-security-policy': /default-src 'none'/ } })
  t.match(await visit(page.port, '/readyz', { headers: guest }), { code: 200, headers: { 'content-security-policy': /default-src 'none'/, 'x-content-type-options': 'nosniff', 'cache-control': 'no-store' } })
  t.same(await enter(page), { cookie: '' }, 'used up')
  t.match(await visit(page.port, '/', { headers: { accept: 'text/html' } }), { code: 401, headers: { 'content-type': /^text\/html/ }, text: /Run hotplugctl ui again/ }, 'a person is told in a page')
  t.equal(lab.agent.watchers, 0)
})

t.test('nothing can be changed, with a session too', async t => {
  const { lab, page } = await houseWith(t)
  const guest = await enter(page)
  for (const method of ['PUT', 'POST', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS', 'PROPFIND']) {
    const body = method === 'HEAD' ? {} : { body: '{"name":"data"}' }
    t.match(await visit(page.port, CHANGE, { method, headers: { ...guest, 'content-type': 'application/json' }, ...body }), { code: 405, headers: { allow: 'GET', connection: 'close' } }, method)
  }
  t.match(await visit(page.port, '/ui/', { headers: guest, body: 'abc' }), { code: 413 })
  t.match(await visit(page.port, '/ui/', { headers: { ...guest, 'transfer-encoding': 'chunked' }, body: 'abc' }), { code: 413 })
  t.same(lab.agent.requests, [])
})

t.test('a foreign Host is refused, whatever else is right', async t => {
  const { page } = await houseWith(t)
  const { search } = new URL(page.address)
  for (const host of ['evil.example', `evil.example:${page.port}`, '127.0.0.1', 'localhost:1']) t.match(await visit(page.port, `/${search}`, { headers: { host } }), { code: 421 }, host)
  t.match(await sayRaw(page.port, `GET /${search} HTTP/1.0\r\n\r\n`), /^HTTP\/1\.[01] 421 /, 'none at all')
  const guest = await enter(page)
  t.equal((await visit(page.port, '/ui/', { headers: { ...guest, host: `evil.example:${page.port}` } })).code, 421)
  t.equal((await visit(page.port, '/ui/', { headers: { ...guest, host: `localhost:${page.port}` } })).code, 200)
  t.match(await sayRaw(page.port, `GET http://evil.example/ui/ HTTP/1.1\r\nHost: localhost:${page.port}\r\nCookie: ${guest.cookie}\r\nConnection: close\r\n\r\n`), /^HTTP\/1\.1 404 /)
})

t.test('slow, broken and endless requests are cut; the page goes on', async t => {
  const { page } = await houseWith(t, { headersTimeoutMs: 2_000, requestTimeoutMs: 3_000 })
  const guest = await enter(page)
  const stream = await watch(page.port, guest.cookie)
  const host = `Host: localhost:${page.port}\r\n`
  const cut = [sayRaw(page.port, ''), sayRaw(page.port, `GET /ui/ HTTP/1.1\r\n${host}X-Slow`), sayRaw(page.port, `PUT ${CHANGE} HTTP/1.1\r\n${host}Content-Length: 1000\r\n\r\n{"na`)]
  for (const text of await Promise.all(cut)) t.match(text, /^(HTTP\/1\.1 (408|405) |$)/)
  t.match(await sayRaw(page.port, 'hello\r\n\r\n'), /^HTTP\/1\.1 400 /)
  t.match(await sayRaw(page.port, `GET /ui/ HTTP/1.1\r\nX: ${'x'.repeat(40_000)}\r\n\r\n`), /^HTTP\/1\.1 431 /)
  t.match(await sayRaw(page.port, `GET /ui/ HTTP/1.1\r\n${host}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`), /^HTTP\/1\.1 400 /)
  t.equal((await visit(page.port, '/ui/', { headers: guest })).code, 200)
  t.equal(stream.destroyed, false)
  stream.destroy()
})

t.test('1,000 connections of strangers: the oldest of them are cut, never a guest', async t => {
  const { lab, page } = await houseWith(t, { strangers: 8, headersTimeoutMs: 300_000, requestTimeoutMs: 300_000 })
  const guest = await enter(page)
  const stream = await watch(page.port, guest.cookie)
  let told = ''
  stream.setEncoding('utf8').on('data', chunk => (told += chunk))
  const crowd: Socket[] = []
  t.teardown(() => crowd.forEach(socket => socket.destroy()))
  let closed = 0
  for (let count = 0; count < 1_000; count++) crowd.push((await dialPort(page.port)).on('error', () => undefined).on('close', () => closed++).resume())
  await until('all above the bound are closed', () => closed >= 992)
  t.equal(closed, 992)
  lab.agent.set({ ...runningVm(VM1), state: 'Paused' })
  await until('the guest is told all the same', () => told.includes('"Paused"'))
  t.equal((await visit(page.port, '/ui/', { headers: guest })).code, 200)
  stream.destroy()
  await until('nobody watches any more', () => lab.agent.watchers === 0)
})

t.test('a guest that does not read its stream is cut', async t => {
  const { lab, page } = await houseWith(t, {}, { watchStallMs: 200 })
  const { cookie } = await enter(page)
  const deaf = await dialPort(page.port)
  let isClosed = false
  deaf.on('error', () => undefined).on('close', () => (isClosed = true))
  deaf.pause().write(`GET ${WATCH} HTTP/1.1\r\nHost: localhost:${page.port}\r\nCookie: ${cookie}\r\n\r\n`)
  await until('it watches', () => lab.agent.watchers === 1)
  let count = 0
  await until('it is cut', () => {
    lab.agent.set({ ...runningVm(VM1), problems: [{ reason: 'x', message: `${count++} ${'y'.repeat(4_000_000)}` }] })
    return lab.agent.watchers === 0
  })
  lab.agent.set(runningVm(VM1))
  deaf.resume()
  await until('its connection is closed', () => isClosed)
})

t.test('a port that was forgotten', async t => {
  const { page } = await houseWith(t, { idleMs: 1_000 })
  const { cookie } = await enter(page)
  const stream = await watch(page.port, cookie)
  stream.destroy()
  await page.forgotten
  const never = await houseWith(t, { idleMs: 10 })
  await never.page.forgotten
  t.pass('also one at which nobody ever looked')
})

t.test('a hotplugd that is away is told of; with the port everything ends', async t => {
  const { lab, page } = await houseWith(t)
  const guest = await enter(page)
  const stream = await watch(page.port, guest.cookie)
  const ended = new Promise(resolve => stream.on('close', resolve).on('error', () => undefined).resume())
  const away = await openLoopback({ socketPath: `${lab.socket}.gone`, port: 0, log: silent })
  t.teardown(() => away.close())
  t.match(await visit(away.port, '/readyz', { headers: await enter(away) }), { code: 502, text: /cannot be reached at .*Start hotplugd/ })
  await page.close()
  await ended
  await t.rejects(dialPort(page.port), { code: 'ECONNREFUSED' })
})
