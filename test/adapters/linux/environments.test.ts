import { createRequire } from 'node:module'
import { once } from 'node:events'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import tap from 'tap'
import { acquireNodeLock } from '../../../src/adapters/linux/node-lock.ts'
import { run } from '../../support/command.ts'
import { leastGrowth } from '../../support/growth.ts'
import { until } from '../../support/wait.ts'
import { makeImage } from './block-lab.ts'
import { refOf } from './fixture.ts'
import { held, MIB } from './held.ts'
import { scratch } from './scratch.ts'

const ADAPTERS = join(import.meta.dirname, '../../../src/adapters/linux')

/** A worker that is not let go holds several MiB. */
const SLACK_BYTES = 8 * MIB

tap.setTimeout(300_000)

void tap.test('workers that end with acts in flight', async (t) => {
  const dir = await scratch(t)
  await makeImage(join(dir, 'disk.img'))
  const script = `
    const { workerData, parentPort } = require('node:worker_threads')
    import(workerData.adapters + '/host/sources.js').then(({ createSources }) => {
      const act = () => createSources().resolve({ kind: 'local', path: workerData.dir, format: 'raw' }).then(act)
      for (let i = 0; i < 8; i++) act()
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
  const grown = await leastGrowth(SLACK_BYTES, once20, () => held().rss)
  await until('descriptors as before', () => held().fds <= before.fds)
  t.ok(grown <= SLACK_BYTES, `${grown} bytes more after every 20 workers`)
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
    const { createSources } = await import('${ADAPTERS}/host/sources.js')
    for (let i = 0; i < 100; i++) createSources().resolve({ kind: 'local', path: '/etc/passwd', format: 'raw' })
    acquireNodeLock(process.argv[1], { onWait: () => setImmediate(() => process.exit(7)) })
  `
  for (let i = 0; i < 10; i++) {
    const ended: unknown = await run(process.execPath, ['--input-type=module', '-e', script, dir]).catch((error: unknown) => error)
    t.match(ended, { exitCode: 7 })
  }
  lock.release()
})
