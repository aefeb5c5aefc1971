/**
 * One volume in and out again and again: 1,000 times a round with `CYCLES=1000 node out/test/system/cycles.test.js`,
 * fewer in `npm test`, which is to stay quick.
 */
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { leastGrowth } from '../support/growth.ts'
import { until } from '../support/lab.ts'
import { makeImage, MIB, startScene } from './user-scene.ts'

const CYCLES = Number(process.env['CYCLES'] ?? 50)
/** Until caches are full and code is compiled. */
const WARM_UP = 50
/** A leak of one record a cycle shows as more in a long run. */
const SLACK_BYTES = 4 * MIB

interface Use {
  readonly descriptors: number
  readonly threads: number
}

t.setTimeout(900_000)

const { guest, daemon } = await startScene(t)
const image = await makeImage(t)

async function use(): Promise<Use> {
  return { threads: (await readdir(`/proc/${daemon.pid}/task`)).length, descriptors: (await readdir(`/proc/${daemon.pid}/fd`)).length }
}

async function rssBytes(): Promise<number> {
  return Number(/^VmRSS:\s+(\d+)/m.exec(await readFile(`/proc/${daemon.pid}/status`, 'utf8'))?.[1]) * 1024
}

/** Bytes of everything below a directory. */
async function bytesIn(directory: string): Promise<number> {
  const files = (await readdir(directory, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile())
  const sizes = await Promise.all(files.map(async ({ parentPath, name }) => (await stat(join(parentPath, name))).size))
  return sizes.reduce((sum, size) => sum + size, 0)
}

async function cycle(serial: string): Promise<void> {
  const seen = guest.waitForDisk(serial)
  const { status, text } = await daemon.add('vm1', 'data', image, { serial })
  if (status !== 202) throw new Error(text)
  await seen
  await daemon.ready('vm1', 'data')
  const gone = guest.waitForNoDisk(serial)
  await daemon.remove('vm1', 'data')
  await gone
  await daemon.gone('vm1', 'data')
}

async function cycles(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await cycle(`cycle-${i}`)
}

t.test('in and out again and again: memory, descriptors and threads stay flat', async (t) => {
  await cycles(WARM_UP)
  const before = await use()
  const grown = await leastGrowth(SLACK_BYTES, () => cycles(CYCLES), rssBytes)
  await until('descriptors and threads as before', async () => {
    const now = await use()
    if (now.descriptors <= before.descriptors && now.threads <= before.threads) return true
    throw new Error(JSON.stringify({ before, now }))
  })
  t.ok(grown <= SLACK_BYTES, `memory: ${grown} bytes more after every ${CYCLES} cycles`)
  for (const directory of [daemon.directories.state, daemon.directories.run]) t.ok((await bytesIn(directory)) < MIB, `${directory} does not grow for ever`)
  t.same(await guest.disks(), [])
  t.equal(await guest.ioErrors(), 0)
})
