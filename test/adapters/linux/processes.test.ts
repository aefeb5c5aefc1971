import { rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import tap from 'tap'
import { createProcesses } from '../../../src/adapters/linux/processes.ts'
import { createSources } from '../../../src/adapters/linux/host/sources.ts'
import { until } from '../../support/wait.ts'
import { loopOver, makeImage } from './block-lab.ts'
import { compile, kill, refOf, start } from './fixture.ts'
import { refusalOf, scratch } from './scratch.ts'

const processes = createProcesses()
const identityOf = async (path: string) => (await createSources().resolve({ kind: 'local', path, format: 'raw' })).identity

void tap.test('a file among 600 descriptors, under whatever name', async (t) => {
  const dir = await scratch(t)
  const [path, other] = [await makeImage(join(dir, 'a')), await makeImage(join(dir, 'b'))]
  const [held, free] = [await identityOf(path), await identityOf(other)]
  const child = await start(t, await compile(t, 'holder'), 'main', path, '600')
  const process = await refOf(child.pid)
  t.equal(await processes.holdsOpen(process, held), true)
  t.equal(await processes.holdsOpen(process, free), false)
  await rename(path, join(dir, 'c'))
  t.equal(await processes.holdsOpen(process, held), true)
  await rm(join(dir, 'c'))
  t.equal(await processes.holdsOpen(process, held), true, 'deleted, and still open')
  t.equal(await processes.alive(process), true)
  await kill(child)
  t.equal(await processes.holdsOpen(process, held), false)
  t.equal(await processes.alive(process), false)
})

void tap.test('a block device, by number, through a node in a mount namespace of its own', async (t) => {
  const loop = await loopOver(t, await makeImage(join(await scratch(t), 'a')))
  const identity = await identityOf(loop)
  const dir = await scratch(t)
  const minor = loop.slice('/dev/loop'.length)
  const script = `mount -t tmpfs own ${dir} && mknod ${dir}/sda b 7 ${minor} && exec "$0" main ${dir}/sda 10`
  const child = await start(t, 'unshare', '--mount', '--propagation', 'private', 'sh', '-c', script, await compile(t, 'holder'))
  const process = await refOf(child.pid)
  t.equal(await processes.holdsOpen(process, identity), true)
  const [, number] = minor.match(/(\d+)/) ?? []
  t.equal(await processes.holdsOpen(process, { kind: 'block', device: `7:${Number(number) + 1}`, diskseq: null }), false)
})

void tap.test('a pid that was given out again is another process', async (t) => {
  const path = await makeImage(join(await scratch(t), 'a'))
  const child = await start(t, await compile(t, 'holder'), 'main', path, '1')
  const before = { ...(await refOf(child.pid)), startTime: '1' }
  t.equal(await processes.alive(before), false)
  t.equal(await processes.holdsOpen(before, await identityOf(path)), false)
})

void tap.test('a process whose main thread has ended still holds what it holds', async (t) => {
  const path = await makeImage(join(await scratch(t), 'a'))
  const identity = await identityOf(path)
  const child = await start(t, await compile(t, 'holder'), 'thread', path, '3')
  const process = await refOf(child.pid)
  t.equal(await processes.alive(process), true)
  t.equal(await processes.holdsOpen(process, identity), true)
  t.equal(await processes.holdsOpen(process, { kind: 'file', filesystem: '0:9999', inode: '1' }), false)
  await kill(child)
  t.equal(await processes.holdsOpen(process, identity), false)
})

void tap.test('descriptors that come and go hide nothing', async (t) => {
  const path = await makeImage(join(await scratch(t), 'a'))
  const identity = await identityOf(path)
  const child = await start(t, await compile(t, 'holder'), 'churn', path, '3')
  const process = await refOf(child.pid)
  for (let round = 0; round < 500; round++) {
    if (!(await processes.holdsOpen(process, identity))) t.fail('was not seen')
  }
  const free = { kind: 'file', filesystem: '0:9999', inode: '1' } as const
  // Not told while it cannot be told; told in the end.
  await until('a quiet look', async () => !(await processes.holdsOpen(process, free)))
})

void tap.test('what must not be looked at is an error, not an absence', async (t) => {
  const { seteuid } = process
  if (seteuid === undefined) throw new Error('not on Linux')
  seteuid(65534)
  t.teardown(() => seteuid(0))
  const init = await refOf(1)
  const error = await refusalOf(() => processes.holdsOpen(init, { kind: 'file', filesystem: '0:9999', inode: '1' }))
  seteuid(0)
  t.match(error, { reason: 'SourceUnreadable', detail: { errno: 'EACCES' } })
})
