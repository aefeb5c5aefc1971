/**
 * One volume in and out again and again: 1,000 times with `CYCLES=1000 node out/test/system/cycles.test.js`,
 * fewer in `npm test`, which is to stay quick.
 */
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { until } from '../support/lab.ts'
import { makeImage, MIB, startScene } from './user-scene.ts'

const CYCLES = Number(process.env['CYCLES'] ?? 150)
/** Until caches are full and code is compiled. */
const WARM_UP = 50
/** What a garbage collector may leave lying about for a while; a leak of one record a cycle shows as more in a long run. */
const RSS_SLACK_BYTES = 24 * MIB

interface Use {
  readonly rssBytes: number
  readonly descriptors: number
  readonly threads: number
}

t.setTimeout(900_000)

const { guest, daemon } = await startScene(t)
const image = await makeImage(t)

async function use(): Promise<Use> {
  const status = await readFile(`/proc/${daemon.pid}/status`, 'utf8')
  const field = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1])
  return { rssBytes: field('VmRSS') * 1024, threads: field('Threads'), descriptors: (await readdir(`/proc/${daemon.pid}/fd`)).length }
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

t.test(`${CYCLES} times in and out: memory, descriptors and threads stay flat`, async (t) => {
  await cycles(WARM_UP)
  const before = await use()
  await cycles(CYCLES)
  const after = await until('descriptors and threads as before', async () => {
    const now = await use()
    if (now.descriptors <= before.descriptors && now.threads <= before.threads) return now
    throw new Error(JSON.stringify({ before, now }))
  })
  t.comment(JSON.stringify({ before, after }))
  t.ok(after.rssBytes < before.rssBytes + RSS_SLACK_BYTES, `memory: ${before.rssBytes} and then ${after.rssBytes} bytes`)
  for (const directory of [daemon.directories.state, daemon.directories.run]) t.ok((await bytesIn(directory)) < MIB, `${directory} does not grow for ever`)
  t.same(await guest.disks(), [])
  t.equal(await guest.ioErrors(), 0)
})
