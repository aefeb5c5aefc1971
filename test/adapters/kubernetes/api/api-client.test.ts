import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { HotplugError } from '../../../../src/errors.ts'
import type { Credentials } from '../../../../src/adapters/kubernetes/api/credentials.ts'
import { inClusterCredentials } from '../../../../src/adapters/kubernetes/api/in-cluster.ts'
import { kubeconfigCredentials } from '../../../../src/adapters/kubernetes/api/kubeconfig.ts'
import { systemClock } from '../../../../src/adapters/system-clock.ts'
import { until } from '../../../support/wait.ts'
import { answer, LoopbackApi } from '../loopback-api.ts'

const TEST = { op: 'test', path: '/x', value: 1 } as const

async function refused(t: Test, promise: Promise<unknown>, expected: object): Promise<void> {
  const error = await promise.then(() => null, (thrown: unknown) => thrown)
  t.type(error, HotplugError)
  t.match(error, expected)
}

t.test('a JSON patch goes out as one, and tells how it ended', async (t) => {
  const api = await LoopbackApi.start(t)
  const client = api.client()
  const outcomes = [[200, { metadata: { name: 'a' } }], [409, { message: 'changed' }], [422, { message: 'test failed' }], [404, {}]] as const
  for (const [status, body] of outcomes) {
    api.handler = (_asked, reply) => answer(reply, status, body)
    const outcome = await client.patch('/things/a', () => [TEST])
    t.matchOnly(outcome, { 200: { kind: 'done', object: body }, 409: { kind: 'conflict', message: 'changed' }, 422: { kind: 'conflict', message: 'test failed' }, 404: { kind: 'gone' } }[status])
  }
  t.match(api.asked[0], { method: 'PATCH', path: '/things/a', headers: { 'content-type': 'application/json-patch+json', authorization: 'Bearer t', accept: 'application/json' } })
  t.same(JSON.parse(api.asked[0]?.body ?? ''), [TEST])
  t.same(await client.patch('/things/a', () => []), { kind: 'unneeded' })
  t.equal(api.asked.length, 4)
  client.close()
})

t.test('get: the object, or null', async (t) => {
  const api = await LoopbackApi.start(t)
  const client = api.client()
  t.equal(await client.get('/things/none'), null)
  api.handler = (_asked, reply) => answer(reply, 200, { a: 1 })
  t.same(await client.get('/things/a'), { a: 1 })
  client.close()
})

const ERRORS: readonly (readonly [number, string, RegExp])[] = [
  [401, 'ApiUnauthorized', /answered 401: who are you/],
  [403, 'ApiForbidden', /answered 403: who are you/],
  [429, 'ApiServerUnavailable', /429/],
  [500, 'ApiServerUnavailable', /500/],
  [503, 'ApiServerUnavailable', /503/],
  [400, 'ApiRefused', /GET \/things\/a: the API server answered 400: who are you/],
]

for (const [status, reason, message] of ERRORS) {
  t.test(`${status} is ${reason}`, async (t) => {
    const api = await LoopbackApi.start(t)
    api.handler = (_asked, reply) => answer(reply, status, { kind: 'Status', message: 'who are you' })
    const client = api.client()
    await refused(t, client.get('/things/a'), { reason, message })
    client.close()
  })
}

t.test('no server, and a server without an answer', async (t) => {
  const api = await LoopbackApi.start(t)
  api.handler = () => undefined
  const client = api.client({ timeoutMs: 50 })
  await refused(t, client.get('/things/a'), { reason: 'ApiServerUnavailable', message: /no answer within 50 ms/ })
  await api.stop()
  await refused(t, client.get('/things/a'), { reason: 'ApiServerUnavailable', message: /ECONNREFUSED/ })
  client.close()
})

t.test('a restarted server is reached over a new connection', async (t) => {
  const api = await LoopbackApi.start(t)
  api.handler = (_asked, reply) => answer(reply, 200, {})
  const client = api.client()
  await client.get('/a')
  const { port } = api
  await api.stop()
  await api.listen(port)
  t.same(await client.get('/b'), {})
  client.close()
})

t.test('writes: five a second after a burst, status before events, none before Retry-After', async (t) => {
  const api = await LoopbackApi.start(t)
  api.handler = (asked, reply) => answer(reply, asked.method === 'POST' ? 201 : 200, {})
  const client = api.client({ writes: { perSecond: 20, burst: 6 } })
  const events = Array.from({ length: 4 }, (_, index) => client.create(`/events/${index}`, {}, 'event'))
  const patches = Array.from({ length: 12 }, (_, index) => client.patch(`/things/${index}`, () => [TEST]))
  await Promise.all([...events, ...patches])
  const first = api.asked[0]?.atMs ?? 0
  const last = api.asked.at(-1)?.atMs ?? 0
  t.ok(last - first >= 450, `16 writes took ${last - first} ms`)
  const [event] = events.slice(-1)
  t.equal(await event, 'created')
  t.same(api.asked.slice(-2).map(({ method }) => method), ['POST', 'POST'], 'events come last')
  api.handler = (_asked, reply) => answer(reply, 429, {}, { 'retry-after': '1' })
  await refused(t, client.patch('/things/x', () => [TEST]), { reason: 'ApiServerUnavailable', detail: { retryAfterMs: 1_000 } })
  const refusedMs = performance.now()
  api.handler = (_asked, reply) => answer(reply, 200, {})
  await client.patch('/things/x', () => [TEST])
  t.ok((api.asked.at(-1)?.atMs ?? 0) - refusedMs >= 900)
  client.close()
})

t.test('a rotated token is read again when the old one is refused', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'sa-'))
  t.teardown(() => rm(directory, { recursive: true }))
  await writeFile(join(directory, 'token'), 'old\n')
  await writeFile(join(directory, 'ca.crt'), '')
  const api = await LoopbackApi.start(t)
  let accepted = 'old'
  api.handler = ({ headers }, reply) => answer(reply, headers.authorization === `Bearer ${accepted}` ? 200 : 401, {})
  const env = { KUBERNETES_SERVICE_HOST: '127.0.0.1', KUBERNETES_SERVICE_PORT: String(api.port) }
  const inCluster = inClusterCredentials({ env, directory, clock: systemClock })
  t.equal(inCluster.server, `https://127.0.0.1:${api.port}`)
  const credentials: Credentials = { server: `http://127.0.0.1:${api.port}`, access: () => inCluster.access(), refused: () => inCluster.refused() }
  const client = api.client({ credentials })
  await client.get('/a')
  await writeFile(join(directory, 'token'), 'new\n')
  accepted = 'new'
  t.same(await client.get('/a'), {})
  accepted = 'newer'
  await refused(t, client.get('/a'), { reason: 'ApiUnauthorized' })
  await rm(join(directory, 'token'))
  await refused(t, client.get('/a'), { reason: 'ApiUnauthorized' })
  client.close()
})

t.test('outside a pod there is no service account', async (t) => {
  await refused(t, Promise.resolve().then(() => inClusterCredentials({ env: {}, clock: systemClock })), { reason: 'ConfigInvalid' })
  const env = { KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '443' }
  t.equal(inClusterCredentials({ env, clock: systemClock }).server, 'https://[fd00::1]:443')
})

t.test('a kubeconfig: its server and token, and the token anew after a refusal', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'kc-'))
  t.teardown(() => rm(directory, { recursive: true }))
  const path = join(directory, 'config')
  const config = (token: string): string => JSON.stringify({
    apiVersion: 'v1', kind: 'Config', 'current-context': 'c',
    clusters: [{ name: 'k', cluster: { server: 'https://127.0.0.1:6443/', 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'u', user: { token } }],
    contexts: [{ name: 'c', context: { cluster: 'k', user: 'u' } }],
  })
  await writeFile(path, config('one'))
  const credentials = await kubeconfigCredentials({ path })
  t.equal(credentials.server, 'https://127.0.0.1:6443')
  const access = await credentials.access()
  t.match(access, { headers: { authorization: 'Bearer one' }, tls: { rejectUnauthorized: false } })
  t.equal((await credentials.access()).tls, access.tls, 'the same identity, so connections are kept')
  await writeFile(path, config('two'))
  credentials.refused()
  t.match(await credentials.access(), { headers: { authorization: 'Bearer two' } })
  await writeFile(path, 'nonsense: [')
  await refused(t, kubeconfigCredentials({ path }), { reason: 'ConfigInvalid' })
  await refused(t, kubeconfigCredentials({ path: `${path}-none` }), { reason: 'ConfigInvalid' })
})

t.test('close ends what is under way', async (t) => {
  const api = await LoopbackApi.start(t)
  api.handler = () => undefined
  const client = api.client()
  const under = client.get('/a')
  await until('the request', () => api.asked.length === 1)
  client.close()
  await refused(t, under, { reason: 'ApiServerUnavailable' })
  await refused(t, client.patch('/a', () => [TEST]), { reason: 'ApiServerUnavailable' })
})
