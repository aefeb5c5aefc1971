import { readFileSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { once } from 'node:events'
import tap, { type Test } from 'tap'
import { acquireNodeLock } from '../../../src/adapters/linux/node-lock.ts'
import { kill, start } from './fixture.ts'
import { refusalOf, scratch } from './scratch.ts'

const MODULE = join(import.meta.dirname, '../../../src/adapters/linux/node-lock.js')
const HOLD = `
  const { acquireNodeLock } = await import(${JSON.stringify(MODULE)})
  await acquireNodeLock(process.argv[1])
  console.log('ready')
  setInterval(() => {}, 1000)
`
const holdInProcess = (t: Test, dir: string) => start(t, process.execPath, '--input-type=module', '-e', HOLD, dir)

void tap.test('a second agent waits, says for whom, and goes on when the first is killed', async (t) => {
  const dir = join(await scratch(t), 'run')
  const first = await holdInProcess(t, dir)
  const told: number[] = []
  const waiting = acquireNodeLock(dir, { onWait: ({ pid }) => told.push(pid) })

  t.same(told, [first.pid])
  await kill(first)
  const lock = await waiting
  t.equal(readFileSync(join(dir, 'lock'), 'utf8'), `${process.pid}\n`)
  lock.release()
})

void tap.test('released, it is free at once; the file stays', async (t) => {
  const dir = await scratch(t)
  for (let round = 0; round < 3; round++) {
    const lock = await acquireNodeLock(dir, { onWait: () => t.fail('it was free') })
    lock.release()
  }
})

void tap.test('two of one process keep each other out as well', async (t) => {
  const dir = await scratch(t)
  const one = await acquireNodeLock(dir)
  const waiting = acquireNodeLock(dir)
  one.release()
  ;(await waiting).release()
})

void tap.test('a wait is given up at once, and leaves nothing', async (t) => {
  const dir = await scratch(t)
  const held = await acquireNodeLock(dir)
  await t.rejects(acquireNodeLock(dir, { signal: AbortSignal.abort(new Error('before')) }), { message: 'before' })
  const controllers = Array.from({ length: 20 }, () => new AbortController())
  const waits = controllers.map(({ signal }) => acquireNodeLock(dir, { signal }))
  for (const controller of controllers) controller.abort(new Error('enough'))
  for (const wait of waits) await t.rejects(wait, { message: 'enough' })
  held.release()
  ;(await acquireNodeLock(dir, { onWait: () => t.fail('it was free') })).release()
})

void tap.test('a lock file that was taken away while waiting for it keeps nobody out', async (t) => {
  const dir = await scratch(t)
  const first = await acquireNodeLock(dir)
  // it may come to its wait before the file goes or after: then it has the new one, and the third waits for it
  const second = acquireNodeLock(dir).then((lock) => lock.release())
  rmSync(join(dir, 'lock'))
  ;(await acquireNodeLock(dir)).release()
  first.release()
  await second
})

void tap.test('a link is not followed', async (t) => {
  const dir = await scratch(t)
  symlinkSync(join(dir, 'elsewhere'), join(dir, 'lock'))
  t.match(await refusalOf(() => acquireNodeLock(dir)), { reason: 'JournalUnwritable', detail: { errno: 'ELOOP' } })
})

void tap.test('a worker that ends while it waits does not take the lock with it', async (t) => {
  const dir = await scratch(t)
  const held = await acquireNodeLock(dir)
  const script = `
    const { workerData, parentPort } = require('node:worker_threads')
    import(workerData.module).then(({ acquireNodeLock }) => acquireNodeLock(workerData.dir, { onWait: () => parentPort.postMessage('waits') }))
  `
  const worker = new Worker(script, { eval: true, workerData: { module: MODULE, dir } })
  await once(worker, 'message')
  await worker.terminate()
  held.release()
  ;(await acquireNodeLock(dir, { onWait: () => t.fail('it was free') })).release()
})
