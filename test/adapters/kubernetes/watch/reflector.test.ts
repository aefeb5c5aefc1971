import type { ServerResponse } from 'node:http'
import { pino } from 'pino'
import t, { type Test } from 'tap'
import type { Change, Mirrored } from '../../../../src/adapters/kubernetes/watch/object-store.ts'
import { Reflector, type ReflectorOptions } from '../../../../src/adapters/kubernetes/watch/reflector.ts'
import { systemClock } from '../../../../src/adapters/system-clock.ts'
import { textAt } from '../../../../src/core/cluster/json-object.ts'
import { until } from '../../../support/wait.ts'
import { answer, type Asked, listOf, LoopbackApi, tell, thing } from '../loopback-api.ts'

const QUICK = { firstBackoffMs: 5, longestBackoffMs: 40 }

interface Thing extends Mirrored {
  readonly size: string | null
}

function readThing(object: unknown): Thing | null {
  const [uid, namespace, name, resourceVersion] = ['uid', 'namespace', 'name', 'resourceVersion'].map((key) => textAt(object, 'metadata', key))
  if (!uid || !namespace || !name || !resourceVersion) return null
  return { uid, namespace, name, resourceVersion, size: textAt(object, 'size') }
}

interface Scene {
  readonly api: LoopbackApi
  readonly reflector: Reflector<Thing>
  readonly told: string[]
  /** `name:uid` of all that is mirrored. */
  readonly mirrored: () => string[]
}

async function scene(t: Test, handler: LoopbackApi['handler'], options: Partial<ReflectorOptions<Thing>> = {}): Promise<Scene> {
  const api = await LoopbackApi.start(t)
  api.handler = handler
  const told: string[] = []
  const onChange = (changes: readonly Change<Thing>[]): void => void told.push(...changes.map(({ kind, object }) => `${kind} ${object.name}:${object.uid}`))
  const client = api.client({ timeoutMs: 1_000 })
  const log = pino({ level: 'silent' })
  const reflector = new Reflector<Thing>({ name: 'things', path: '/things', read: readThing, onChange, client, clock: systemClock, log, times: QUICK, ...options })
  t.teardown(async () => {
    await reflector.close()
    client.close()
  })
  reflector.start()
  return { api, reflector, told, mirrored: () => [...reflector.store.all()].map(({ name, uid }) => `${name}:${uid}`) }
}

const isWatch = ({ query }: Asked): boolean => query.get('watch') === 'true'

/** Lists answer with `items`; watches are handed out to the test. */
function serving(items: () => readonly unknown[], watch: (reply: ServerResponse, asked: Asked, count: number) => void): LoopbackApi['handler'] {
  let count = 0
  return (asked, reply) => (isWatch(asked) ? watch(reply, asked, ++count) : answer(reply, 200, listOf(items(), '10')))
}

t.test('lists page by page, then watches from there with bookmarks and a time', async (t) => {
  const pages: Record<string, unknown> = { '': listOf([thing('a', 'u1', '5')], '10', 'p2'), p2: listOf([thing('b', 'u2', '6')], '10') }
  const { api, reflector, told, mirrored } = await scene(t, (asked, reply) => {
    if (isWatch(asked)) return tell(reply, { type: 'ADDED', object: thing('c', 'u3', '11') })
    answer(reply, 200, pages[asked.query.get('continue') ?? ''])
  }, { query: { labelSelector: 'x=y' } })
  await until('the watched object', () => mirrored().length === 3)
  t.same(told, ['changed a:u1', 'changed b:u2', 'changed c:u3'])
  t.same(api.lists().map(({ query }) => [query.get('limit'), query.get('continue'), query.get('labelSelector')]), [['100', null, 'x=y'], ['100', 'p2', 'x=y']])
  const [watch] = api.watches()
  t.match(Object.fromEntries(watch?.query ?? []), { resourceVersion: '10', allowWatchBookmarks: 'true', labelSelector: 'x=y', timeoutSeconds: /^2[0-5]$/ })
  t.match(reflector.state(), { synced: true, trouble: null, objects: 3, lists: 1, badLines: 0, hangs: 0 })
})

t.test('resumes from the last event or bookmark after a regular end', async (t) => {
  const { api, mirrored } = await scene(t, serving(() => [], (reply, _asked, count) => {
    if (count === 1) tell(reply, { type: 'ADDED', object: thing('a', 'u1', '11') }, { type: 'BOOKMARK', object: { metadata: { resourceVersion: '20' } } })
    else tell(reply)
    if (count === 1) reply.end()
  }))
  await until('a second watch', () => api.watches().length === 2)
  t.equal(api.watches()[1]?.query.get('resourceVersion'), '20')
  t.equal(api.lists().length, 1)
  t.same(mirrored(), ['a:u1'])
})

t.test('lists again when the version is too old, by HTTP and by an event', async (t) => {
  let items = [thing('a', 'u1', '5'), thing('b', 'u2', '6')]
  const { api, told, mirrored } = await scene(t, serving(() => items, (reply, _asked, count) => {
    items = [thing('b', 'u2', '7')]
    if (count === 1) return answer(reply, 410, { kind: 'Status', code: 410, reason: 'Expired' })
    if (count === 2) return tell(reply, { type: 'ERROR', object: { kind: 'Status', code: 410 } })
    tell(reply)
  }))
  await until('a third watch', () => api.watches().length === 3 || (api.watches().length === 2 && api.lists().length === 2))
  await until('the deletion', () => mirrored().join() === 'b:u2')
  t.ok(told.includes('deleted a:u1'))
})

t.test('an ERROR event of another kind ends the watch and is told', async (t) => {
  const { api, reflector } = await scene(t, serving(() => [], (reply, _asked, count) => {
    if (count === 1) return tell(reply, { type: 'ERROR', object: { kind: 'Status', code: 500, message: 'etcd is sad' } })
    tell(reply)
  }))
  await until('a second watch', () => api.watches().length === 2)
  t.match(reflector.state(), { failures: 1 })
})

t.test('recreated under the same name while nobody looked: a deletion and an addition', async (t) => {
  let items = [thing('a', 'old', '5')]
  const { told, mirrored } = await scene(t, serving(() => items, (reply, _asked, count) => {
    items = [thing('a', 'new', '50')]
    if (count === 1) return answer(reply, 410, {})
    tell(reply, { type: 'DELETED', object: thing('a', 'old', '40') })
  }))
  await until('the new one', () => mirrored().join() === 'a:new')
  t.same(told, ['changed a:old', 'deleted a:old', 'changed a:new'])
})

t.test('recreated during a watch whose deletion was lost', async (t) => {
  const { told } = await scene(t, serving(() => [thing('a', 'old', '5')], (reply) => tell(reply, { type: 'ADDED', object: thing('a', 'new', '50') })))
  await until('the new one', () => told.includes('changed a:new'))
  t.same(told, ['changed a:old', 'deleted a:old', 'changed a:new'])
})

t.test('doubled and late events change nothing', async (t) => {
  const old = { type: 'MODIFIED', object: thing('a', 'u1', '9', { size: 'old' }) }
  const now = { type: 'MODIFIED', object: thing('a', 'u1', '12', { size: 'new' }) }
  const { reflector, told } = await scene(t, serving(() => [thing('a', 'u1', '8')], (reply) => tell(reply, now, now, old, { type: 'ADDED', object: thing('z', 'u9', '99') })))
  await until('the last event', () => told.includes('changed z:u9'))
  t.equal(told.length, 3)
  t.equal(reflector.store.get('u1')?.size, 'new')
})

for (const [what, bytes] of [['no JSON', 'nonsense\n'], ['no event', '{"type":"MODIFIED","object":{}}\n'], ['an unknown type', '{"type":"NEWS","object":{"metadata":{"resourceVersion":"11"}}}\n']] as const) {
  t.test(`a line that is ${what} is noticed, and what it held is asked for again`, async (t) => {
    const { api, reflector, mirrored } = await scene(t, serving(() => [], (reply, _asked, count) => {
      tell(reply)
      if (count === 1) return void reply.write(bytes)
      tell(reply, { type: 'ADDED', object: thing('a', 'u1', '11') })
    }))
    await until('the object', () => mirrored().length === 1)
    t.match(reflector.state(), { badLines: 1, trouble: null })
    t.same(api.watches().map(({ query }) => query.get('resourceVersion')), ['10', '10'])
  })
}

t.test('a line that is bad again and again leads to a new list', async (t) => {
  const { api } = await scene(t, serving(() => [], (reply, _asked, count) => {
    tell(reply)
    if (count < 3) reply.write('nonsense\n')
  }))
  await until('a third watch', () => api.watches().length === 3)
  t.equal(api.lists().length, 2)
})

t.test('cut in the middle of a line: nothing lost, nothing twice', async (t) => {
  const line = `${JSON.stringify({ type: 'ADDED', object: thing('b', 'u2', '12') })}\n`
  const { api, told, mirrored, reflector } = await scene(t, serving(() => [], (reply, _asked, count) => {
    if (count === 1) {
      tell(reply, { type: 'ADDED', object: thing('a', 'u1', '11') })
      return void reply.write(line.slice(0, 20), () => reply.destroy())
    }
    tell(reply)
    reply.write(line)
  }))
  await until('the second object', () => mirrored().length === 2)
  t.same(told, ['changed a:u1', 'changed b:u2'])
  t.equal(api.watches()[1]?.query.get('resourceVersion'), '11')
  t.match(reflector.state(), { failures: 1, lists: 1 })
})

t.test('ended in the middle of a line', async (t) => {
  const { reflector, api } = await scene(t, serving(() => [], (reply, _asked, count) => {
    tell(reply)
    if (count === 1) reply.end('{"type":"ADD')
  }))
  await until('a second watch', () => api.watches().length === 2)
  t.match(reflector.state(), { badLines: 1 })
})

t.test('a watch that hangs in silence is noticed and made again', async (t) => {
  const { reflector, api } = await scene(t, serving(() => [], (reply) => tell(reply)), { times: { ...QUICK, watchSeconds: 1, graceMs: 50 } })
  await until('a second watch', () => api.watches().length === 2)
  t.match(reflector.state(), { hangs: 1 })
  const [first, second] = api.watches()
  const seconds = Number(first?.query.get('timeoutSeconds'))
  t.ok((second?.atMs ?? 0) - (first?.atMs ?? 0) >= seconds * 1_000, 'but not before its time')
})

t.test('the limits as they are by default: a hang is noticed within 35 s', async (t) => {
  const delays: number[] = []
  const clock = { ...systemClock, after: (ms: number, act: () => void) => (delays.push(ms), systemClock.after(ms, act)) }
  const { api } = await scene(t, serving(() => [], (reply) => tell(reply)), { clock })
  await until('a watch', () => api.watches().length === 1)
  t.ok(delays.length > 0 && Math.max(...delays) <= 31_000, `${Math.max(...delays)}`)
})

t.test('no head of a watch within the time', async (t) => {
  const { api, reflector } = await scene(t, serving(() => [], (reply, _asked, count) => count > 1 && tell(reply)))
  await until('a second watch', () => api.watches().length === 2)
  t.match(reflector.state(), { failures: 1 })
})

const LISTS: readonly (readonly [string, (reply: ServerResponse) => void])[] = [
  ['500', (reply) => answer(reply, 500, { message: 'no' })],
  ['503 without a body', (reply) => void reply.writeHead(503).end()],
  ['403', (reply) => answer(reply, 403, { message: 'things is forbidden' })],
  ['no version', (reply) => answer(reply, 200, { items: [], metadata: {} })],
  ['no items', (reply) => answer(reply, 200, { metadata: { resourceVersion: '90' } })],
  ['half a body', (reply) => void reply.writeHead(200, { 'content-length': '999' }).write('{"items":[', () => reply.destroy())],
  ['half a JSON', (reply) => void reply.writeHead(200).end('{"items":[')],
  ['nothing at all', () => undefined],
  ['an item without a UID', (reply) => answer(reply, 200, listOf([{ metadata: { name: 'x' } }], '90'))],
  ['a first page only', (reply) => answer(reply, 200, listOf([], '90', 'lost'))],
]

for (const [what, fail] of LISTS) {
  t.test(`a list that fails (${what}) removes nothing, and is made again`, async (t) => {
    let lists = 0
    const { told, mirrored, reflector, api } = await scene(t, (asked, reply) => {
      if (isWatch(asked)) return lists < 3 ? answer(reply, 410, {}) : tell(reply)
      if (asked.query.get('continue') === 'lost') return answer(reply, 500, {})
      if (++lists === 2) return fail(reply)
      answer(reply, 200, listOf([thing('a', 'u1', '5')], '10'))
    })
    await until('a watch after the third list', () => lists === 3 && api.watches().length >= 2 && reflector.state().trouble === null)
    t.same(told, ['changed a:u1'])
    t.same(mirrored(), ['a:u1'])
  })
}

t.test('a page token that expired means beginning anew', async (t) => {
  let first = true
  const { told } = await scene(t, (asked, reply) => {
    if (isWatch(asked)) return tell(reply)
    if (asked.query.get('continue') === 'p2') return answer(reply, 410, {})
    answer(reply, 200, first ? listOf([thing('a', 'u1', '5')], '10', 'p2') : listOf([thing('b', 'u2', '5')], '11'))
    first = false
  })
  await until('the list', () => told.length > 0)
  t.same(told, ['changed b:u2'])
})

t.test('Retry-After is honoured', async (t) => {
  const { api } = await scene(t, serving(() => [], (reply, _asked, count) => (count === 1 ? answer(reply, 429, {}, { 'retry-after': '1' }) : tell(reply))))
  await until('a second watch', () => api.watches().length === 2)
  const [first, second] = api.watches().map(({ atMs }) => atMs)
  t.ok((second ?? 0) - (first ?? 0) >= 995)
})

t.test('the server away and back: what was known stays, and the watch resumes', async (t) => {
  const { api, told, reflector, mirrored } = await scene(t, serving(() => [thing('a', 'u1', '5')], (reply, _asked, count) => {
    tell(reply)
    if (count > 1) tell(reply, { type: 'ADDED', object: thing('b', 'u2', '12') })
  }))
  await until('a watch', () => api.watches().length === 1)
  const { port } = api
  await api.stop()
  await until('the trouble', () => reflector.state().trouble !== null)
  t.same(mirrored(), ['a:u1'])
  t.match(reflector.state(), { synced: true, trouble: { reason: 'ApiServerUnavailable' } })
  await api.listen(port)
  await until('what happened since', () => mirrored().length === 2)
  t.same(told, ['changed a:u1', 'changed b:u2'])
  t.equal(reflector.state().trouble, null)
})

t.test('close ends a watch at once and nothing comes after', async (t) => {
  const { api, reflector } = await scene(t, serving(() => [], (reply) => tell(reply)))
  await until('a watch', () => api.watches().length === 1)
  await reflector.close()
  t.equal(api.watches().length, 1)
})
