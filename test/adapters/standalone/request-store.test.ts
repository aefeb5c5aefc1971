import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import tap, { type Test } from 'tap'
import { createRequestStore } from '../../../src/adapters/standalone/request-store.ts'
import type { RequestStore } from '../../../src/agent/api.ts'
import { vmKey } from '../../../src/model/ids.ts'
import type { DesiredSource } from '../../../src/ports/desired-source.ts'
import { refusalOf, scratch } from '../linux/scratch.ts'
import { Follower, log, ManifestRig, names, request } from './fixture.ts'

interface Opened {
  readonly store: DesiredSource & RequestStore
  readonly follower: Follower
}

async function open(stateDir: string): Promise<Opened> {
  const store = await createRequestStore({ stateDir, log })
  const follower = new Follower()
  await store.start(follower.take)
  return { store, follower }
}

/** What another agent would find. */
async function reopened(stateDir: string): Promise<Follower> {
  const { store, follower } = await open(stateDir)
  await store.close()
  return follower
}

void tap.test('puts and removals outlive the agent', async (t) => {
  const dir = join(await scratch(t), 'not', 'there', 'yet')
  const { store, follower } = await open(dir)
  t.match(follower.last, { synced: true, volumes: [], unreadable: [], problems: [] })
  await Promise.all([store.put(request('db', 'a')), store.put(request('db', 'b')), store.put(request('web', 'a'))])
  await store.remove({ vm: vmKey({ namespace: 'default', name: 'db' }), volume: 'a' })
  await store.remove({ vm: vmKey({ namespace: 'default', name: 'none' }), volume: 'x' })
  t.same(names(follower.last), ['db/b', 'web/a'])
  t.same((await reopened(dir)).last.volumes, [request('db', 'b'), request('web', 'a')])
})

void tap.test('a change is told at once, before it is durable', async (t) => {
  const { store, follower } = await open(await scratch(t))
  const put = store.put(request('db', 'a'))
  t.same(names(follower.last), ['db/a'])
  const removed = store.remove({ vm: request('db', 'a').vm, volume: 'a' })
  t.same(names(follower.last), [])
  await Promise.all([put, removed])
})

void tap.test('changes of one volume in one breath end in the last', async (t) => {
  const dir = await scratch(t)
  const { store, follower } = await open(dir)
  const key = { vm: request('db', 'a').vm, volume: 'a' }
  for (let round = 0; round < 20; round += 1) {
    await Promise.all([store.put(request('db', 'a', `old ${round}`)), store.remove(key), store.put(request('db', 'a', `new ${round}`))])
    t.same(follower.last.volumes, [request('db', 'a', `new ${round}`)])
    t.same((await reopened(dir)).last.volumes, [request('db', 'a', `new ${round}`)])
  }
  await Promise.all([store.put(request('db', 'a')), store.remove(key)])
  t.same((await reopened(dir)).last.volumes, [])
})

void tap.test('255 volumes at once', async (t) => {
  const dir = await scratch(t)
  const { store, follower } = await open(dir)
  const volumes = Array.from({ length: 255 }, (_, i) => request('db', `v${i}`))
  await Promise.all(volumes.map((one) => store.put(one)))
  t.equal(follower.last.volumes.length, 255)
  t.equal((await reopened(dir)).last.volumes.length, 255)
})

void tap.test('any libvirt name is safe', async (t) => {
  const dir = await scratch(t)
  const { store } = await open(dir)
  const hard = ['..', '.', 'a b', '%2e', 'ü💾', 'a\nb', '.writing-x', 'x'.repeat(250)]
  await Promise.all(hard.map((name) => store.put(request(name, 'data'))))
  t.same((await reopened(dir)).last.volumes.map((one) => one.vm).toSorted(), hard.map((name) => `default/${name}`).toSorted())
})

void tap.test('a listener that changes something is not called inside itself', async (t) => {
  const store = await createRequestStore({ stateDir: await scratch(t), log })
  let depth = 0
  const late: Promise<void>[] = []
  await store.start(({ volumes }) => {
    t.equal(depth, 0)
    depth += 1
    if (volumes.length === 1) late.push(store.put(request('db', 'b')))
    depth -= 1
  })
  await store.put(request('db', 'a'))
  await Promise.all(late)
})

const TORN: readonly (readonly [string, (text: string) => string])[] = [
  ['empty', () => ''],
  ['half', (text) => text.slice(0, text.length / 2)],
  ['zeros', (text) => '\0'.repeat(text.length)],
  ['one bit', (text) => text.replace('/img/a', '/img/c')],
  ['newer', (text) => text.replace('volume 1', 'volume 2')],
  ['another file', (text) => text.replace('volume', 'manifests')],
]

for (const [what, tear] of TORN) {
  void tap.test(`a file that is ${what} removes nothing`, async (t) => {
    const dir = await scratch(t)
    const first = await open(dir)
    await Promise.all([first.store.put(request('db', 'a')), first.store.put(request('db', 'b')), first.store.put(request('web', 'a'))])
    const path = join(dir, 'volumes', 'default', 'db', 'a.json')
    const torn = tear(readFileSync(path, 'utf8'))
    writeFileSync(path, torn)
    const { store, follower } = await open(dir)
    t.match(follower.last, { synced: true, unreadable: ['default/db'], problems: [{ vm: 'default/db', volume: 'a', reason: 'StateUnwritable', message: path }] })
    t.same(names(follower.last), ['db/b', 'web/a'])
    t.equal(readFileSync(path, 'utf8'), torn, 'left where it is')
    await store.put(request('db', 'a'))
    t.match(follower.last, { unreadable: [], problems: [] })
    const kept = readdirSync(join(dir, 'volumes', 'default', 'db')).find((one) => one.includes('unusable'))
    t.equal(readFileSync(join(dir, 'volumes', 'default', 'db', kept ?? ''), 'utf8'), torn, 'kept aside')
    t.match((await reopened(dir)).last, { unreadable: [], problems: [] })
  })
}

void tap.test('leftovers of a write that was cut off are swept', async (t) => {
  const dir = await scratch(t)
  await (await open(dir)).store.put(request('db', 'a'))
  writeFileSync(join(dir, 'volumes', 'default', 'db', '.writing-1'), 'half')
  writeFileSync(join(dir, '.writing-2'), 'half')
  t.same(names((await reopened(dir)).last), ['db/a'])
  t.same(readdirSync(join(dir, 'volumes', 'default', 'db')), ['a.json'])
  t.same(readdirSync(dir), ['format-version', 'volumes'])
})

void tap.test('a file copied to another VM is not believed', async (t) => {
  const dir = await scratch(t)
  await (await open(dir)).store.put(request('db', 'a'))
  mkdirSync(join(dir, 'volumes', 'default', 'web'))
  writeFileSync(join(dir, 'volumes', 'default', 'web', 'a.json'), readFileSync(join(dir, 'volumes', 'default', 'db', 'a.json')))
  t.match((await reopened(dir)).last, { volumes: [{ vm: 'default/db' }], unreadable: ['default/web'] })
})

void tap.test('a newer state directory is refused', async (t) => {
  const dir = await scratch(t)
  await reopened(dir)
  writeFileSync(join(dir, 'format-version'), '2\n')
  t.match(await refusalOf(() => open(dir)), { reason: 'StateFromNewerVersion', message: dir })
})

async function tmpfs(t: Test, options: string): Promise<{ readonly dir: string; readonly remount: (options: string) => void }> {
  const rig = await ManifestRig.make(t)
  rig.mount(rig.directory, options)
  return { dir: rig.directory, remount: (more) => void execFileSync('mount', ['-o', `remount,${more}`, rig.directory]) }
}

void tap.test('a read-only directory is refused when it is opened, naming the errno', async (t) => {
  const { dir, remount } = await tmpfs(t, 'size=1m')
  remount('ro')
  t.match(await refusalOf(() => open(dir)), { reason: 'StateUnwritable', message: 'EROFS', detail: { errno: 'EROFS' } })
  t.match(await refusalOf(() => open(join(dir, 'below'))), { reason: 'StateUnwritable', detail: { errno: 'EROFS' } })
})

void tap.test('a file in its place is refused', async (t) => {
  const file = join(await scratch(t), 'file')
  writeFileSync(file, '')
  t.match(await refusalOf(() => open(file)), { reason: 'StateUnwritable' })
})

void tap.test('on a full disk the old wish holds again, and others go on', async (t) => {
  const { dir } = await tmpfs(t, 'size=128k')
  const { store, follower } = await open(dir)
  await store.put(request('db', 'a', 'first'))
  t.throws(() => writeFileSync(join(dir, 'filler'), Buffer.alloc(1024 * 1024)), { code: 'ENOSPC' })
  t.match(await refusalOf(() => store.put(request('db', 'a', 'second'))), { reason: 'StateUnwritable', detail: { errno: 'ENOSPC' } })
  t.match(await refusalOf(() => store.put(request('db', 'b'))), { reason: 'StateUnwritable', detail: { errno: 'ENOSPC' } })
  t.same(follower.last.volumes, [request('db', 'a', 'first')])
  t.same((await reopened(dir)).last.volumes, [request('db', 'a', 'first')])
  await store.remove({ vm: request('db', 'a').vm, volume: 'a' })
  writeFileSync(join(dir, 'filler'), '')
  await store.put(request('db', 'b'))
  t.same(names((await reopened(dir)).last), ['db/b'])
})

void tap.test('when the disk turns read-only a removal is taken back', async (t) => {
  const { dir, remount } = await tmpfs(t, 'size=1m')
  const { store, follower } = await open(dir)
  await store.put(request('db', 'a'))
  remount('ro')
  const key = { vm: request('db', 'a').vm, volume: 'a' }
  const both = await Promise.allSettled([store.remove(key), store.remove(key)])
  t.match(both, [{ status: 'rejected' }, { status: 'rejected' }])
  t.same(names(follower.last), ['db/a'])
  remount('rw')
  await store.remove(key)
  t.same(names((await reopened(dir)).last), [])
})
