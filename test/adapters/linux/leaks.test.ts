import { closeSync, openSync, readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { once } from 'node:events'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { Worker } from 'node:worker_threads'
import tap from 'tap'
import { acquireNodeLock } from '../../../src/adapters/linux/node-lock.ts'
import { openJournal } from '../../../src/adapters/linux/exposure-journal.ts'
import { createProcesses } from '../../../src/adapters/linux/processes.ts'
import { createSources } from '../../../src/adapters/linux/sources.ts'
import { run } from '../../support/command.ts'
import { loopOver, makeImage } from './block-lab.ts'
import { refOf } from './fixture.ts'
import { recordOf } from './journal-record.ts'
import { refusalOf, scratch } from './scratch.ts'

const ADAPTERS = join(import.meta.dirname, '../../../src/adapters/linux')
const MIB = 1024 * 1024
const ACTS = Number(process.env['LEAK_ACTS'] ?? 10_000)

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

function held(): { fds: number; threads: number; rss: number } {
  collect()
  return { fds: readdirSync('/proc/self/fd').length, threads: readdirSync('/proc/self/task').length, rss: process.memoryUsage.rss() }
}

void tap.test(`${ACTS} acts, well and badly ended, leave nothing`, async (t) => {
  const dir = await scratch(t)
  const image = await makeImage(join(dir, 'a.img'))
  const loop = await loopOver(t, image)
  const [sources, processes, journal] = [createSources(), createProcesses(), openJournal(join(dir, 'run'))]
  journal.load()
  const own = await refOf(process.pid)
  const all = async (): Promise<void> => {
    const found = await sources.resolve({ kind: 'local', path: loop, format: 'raw' })
    for (const path of ['/nowhere/at/all', '/dev/null', dir]) await refusalOf(() => sources.resolve({ kind: 'local', path, format: 'qcow2' }))
    await sources.footprints([loop, image, '/nowhere'])
    await sources.identify({ path: image, kind: 'file', handle: {} })
    sources.sizes([found])
    await processes.holdsOpen(own, found.identity)
    await processes.alive(own)
    journal.append(recordOf('a'))
  }
  const acts = 9
  for (let i = 0; i < ACTS / acts / 4; i++) await all()
  const before = held()
  for (let i = 0; i < ACTS / acts; i++) await all()
  for (let i = 0; i < ACTS / acts / 100; i++) await Promise.all(Array.from({ length: 100 }, all))
  const after = held()
  journal.close()
  t.comment({ before, after })
  t.equal(after.fds, before.fds)
  t.ok(after.threads <= before.threads + 64, 'the pool is bounded')
  t.ok(after.rss < before.rss + 24 * MIB, `${(after.rss - before.rss) / MIB} MiB more`)
})

void tap.test('without a free descriptor everything says EMFILE, and the journal goes on', async (t) => {
  const dir = await scratch(t)
  const image = await makeImage(join(dir, 'a.img'))
  const journal = openJournal(dir)
  journal.load()
  const sources = createSources()
  const fill: number[] = []
  await run('prlimit', ['--pid', String(process.pid), '--nofile=512:'])
  try {
    for (;;) fill.push(openSync('/dev/null', 'r'))
  } catch {
    t.ok(fill.length > 100, 'full')
  }
  const errors = [
    await refusalOf(() => sources.resolve({ kind: 'local', path: image, format: 'raw' })),
    await refusalOf(() => sources.identify({ path: image, kind: 'file', handle: {} })),
    await refusalOf(() => createProcesses().alive({ pid: 1, startTime: '0' })),
    await refusalOf(() => openJournal(dir).load()),
    await refusalOf(() => acquireNodeLock(dir)),
  ]
  journal.append(recordOf('a'))
  for (const fd of fill) closeSync(fd)
  for (const error of errors) t.match(error.detail, { errno: 'EMFILE' }, error.message)
  journal.append(recordOf('b'))
  t.same(openJournal(dir).load(), { records: [recordOf('a'), recordOf('b')], doubts: [] }, 'nothing was thrown away')
  await sources.resolve({ kind: 'local', path: image, format: 'raw' })
})

void tap.test('workers that end with acts in flight', async (t) => {
  const dir = await scratch(t)
  await makeImage(join(dir, 'disk.img'))
  const script = `
    const { workerData, parentPort } = require('node:worker_threads')
    import(workerData.adapters + '/sources.js').then(({ createSources }) => {
      const act = () => createSources().resolve({ kind: 'local', path: workerData.dir, format: 'raw' }).then(act)
      for (let i = 0; i < 50; i++) act()
      setTimeout(() => parentPort.postMessage('busy'), 5)
    })
  `
  const once20 = async (): Promise<void> => {
    for (let i = 0; i < 20; i++) {
      const worker = new Worker(script, { eval: true, workerData: { adapters: ADAPTERS, dir } })
      await once(worker, 'message')
      await worker.terminate()
    }
  }
  await once20()
  const before = held()
  await once20()
  const after = held()
  t.comment({ before, after })
  t.ok(after.fds <= before.fds)
  t.ok(after.rss < before.rss + 32 * MIB, `${(after.rss - before.rss) / MIB} MiB more`)
})

void tap.test('loaded twice, each copy works', async (t) => {
  const require = createRequire(import.meta.url)
  const path = join(ADAPTERS, '../../../../native/build/Release/hotplugd_linux.node')
  const one: unknown = require(path)
  delete require.cache[path]
  const two = require(path) as { isProcessAlive: (proc: string, pid: number, startTime: string) => Promise<boolean> }
  t.not(one, two)
  const { pid, startTime } = await refOf(process.pid)
  t.equal(await two.isProcessAlive('/proc', pid, startTime), true)
})

void tap.test('a process ends with acts in flight', async (t) => {
  const dir = await scratch(t)
  const lock = await acquireNodeLock(dir)
  const script = `
    const { acquireNodeLock } = await import('${ADAPTERS}/node-lock.js')
    const { createSources } = await import('${ADAPTERS}/sources.js')
    for (let i = 0; i < 100; i++) createSources().resolve({ kind: 'local', path: '/etc/passwd', format: 'raw' })
    acquireNodeLock(process.argv[1], { onWait: () => setImmediate(() => process.exit(7)) })
  `
  for (let i = 0; i < 10; i++) {
    const ended: unknown = await run(process.execPath, ['--input-type=module', '-e', script, dir]).catch((error: unknown) => error)
    t.match(ended, { exitCode: 7 })
  }
  lock.release()
})
