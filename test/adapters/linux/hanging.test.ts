import { readdirSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import tap from 'tap'
import { VM } from '../../core/facts.ts'
import { createSources } from '../../../src/adapters/linux/host/sources.ts'
import { run } from '../../support/command.ts'
import { until } from '../../support/wait.ts'
import { makeImage } from './block-lab.ts'
import { compile, kill, start } from './fixture.ts'
import { refusalOf, scratch } from './scratch.ts'

const ownThreads = (): number => readdirSync('/proc/self/task').length

tap.setTimeout(300_000)

void tap.test('a file system that does not answer hangs those that need it, and nobody else', async (t) => {
  const dead = join(await scratch(t))
  const server = await start(t, await compile(t, 'hanging-filesystem'), dead)
  t.teardown(() => run('umount', ['--lazy', dead]))
  const sources = createSources()
  const path = await makeImage(join(await scratch(t), 'a.img'))
  const good = { kind: 'local', path, format: 'raw' } as const
  await sources.resolve(good)
  const before = ownThreads()

  const stuck = Array.from({ length: 100 }, (_, i) => refusalOf(() => sources.resolve({ ...good, path: join(dead, i % 10 === 0 ? `x${i}` : 'x') })))
  const lost = AbortSignal.timeout(50)
  await t.rejects(sources.resolve({ ...good, path: join(dead, 'x') }, lost), { name: 'TimeoutError' })
  for (let i = 0; i < 100; i++) t.equal((await sources.resolve(good)).path, path)
  const found = await sources.footprints([join(dead, 'x'), path], VM)
  t.same([found[0], found[1]?.same.length], [null, 1], 'the others are not held up')
  const questions = [{ path: join(dead, 'x'), identity: { kind: 'file', filesystem: '0:1', inode: '1' } }, { path, identity: (await sources.resolve(good)).identity }] as const
  for (let i = 0; i < 100; i++) t.equal(sources.sizes(questions)[0], null)
  t.equal(sources.sizes(questions)[1], (await stat(path)).size)
  t.ok(ownThreads() - before < 20, `one thread per path: ${ownThreads() - before}`)

  await kill(server)
  for (const error of await Promise.all(stuck)) t.match(error, { reason: 'SourceUnreadable', detail: { errno: /ECONNABORTED|ENOTCONN/ } })
  await until('the threads to go', () => ownThreads() <= before + 2, 500)
})
