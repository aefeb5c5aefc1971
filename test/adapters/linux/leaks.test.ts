import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'
import tap from 'tap'
import { VM } from '../../core/facts.ts'
import { acquireNodeLock } from '../../../src/adapters/linux/node-lock.ts'
import { openJournal } from '../../../src/adapters/linux/journal/exposure-journal.ts'
import { createProcesses } from '../../../src/adapters/linux/processes.ts'
import { createSources } from '../../../src/adapters/linux/host/sources.ts'
import { run } from '../../support/command.ts'
import { leastGrowth } from '../../support/growth.ts'
import { loopOver, makeImage } from './block-lab.ts'
import { compile, refOf, start } from './fixture.ts'
import { held, MIB } from './held.ts'
import { recordOf } from './journal/journal-record.ts'
import { refusalOf, scratch } from './scratch.ts'

const ACTS = Number(process.env['LEAK_ACTS'] ?? 2_500)
const SLACK_BYTES = 2 * MIB

tap.setTimeout(300_000)

void tap.test('acts, well and badly ended, leave nothing', async (t) => {
  const dir = await scratch(t)
  const image = await makeImage(join(dir, 'a.img'))
  const loop = await loopOver(t, image)
  const [sources, processes, journal] = [createSources(), createProcesses(), openJournal(join(dir, 'run'))]
  journal.load()
  const holder = await refOf((await start(t, await compile(t, 'holder'), 'main', image, '60')).pid)
  const all = async (): Promise<void> => {
    const found = await sources.resolve({ kind: 'local', path: loop, format: 'raw' })
    for (const path of ['/nowhere/at/all', '/dev/null', dir]) await refusalOf(() => sources.resolve({ kind: 'local', path, format: 'qcow2' }))
    await sources.footprints([loop, image, '/nowhere'], VM)
    await sources.identify({ path: image, kind: 'file', handle: {} })
    sources.sizes([found])
    await processes.holdsOpen(holder, found.identity)
    await processes.alive(holder)
    journal.append(recordOf('a'))
  }
  const acts = 9
  const burst = () => Promise.all(Array.from({ length: 100 }, all))
  const round = async (): Promise<void> => {
    for (let i = 0; i < ACTS / acts; i++) await all()
    for (let i = 0; i < 3; i++) await burst()
  }
  await round()
  const before = held()
  const grown = await leastGrowth(SLACK_BYTES, round, () => held().rss)
  const after = held()
  journal.close()
  t.comment({ before, after })
  t.equal(after.fds, before.fds)
  t.ok(after.threads <= before.threads + 8, 'a burst of acts spawns no crowd')
  t.ok(grown <= SLACK_BYTES, `${grown} bytes more after every round`)
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
