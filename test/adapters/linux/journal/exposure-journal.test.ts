import { appendFileSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import tap from 'tap'
import { openJournal, type JournalOptions } from '../../../../src/adapters/linux/journal/exposure-journal.ts'
import { JournalLines } from '../../../../src/adapters/linux/journal/journal-line.ts'
import type { JournalContents } from '../../../../src/ports/journal.ts'
import { PLUG_STEPS, UNPLUG_STEPS } from '../../../../src/model/steps.ts'
import { run } from '../../../support/command.ts'
import { until } from '../../../support/wait.ts'
import { kill, start } from '../fixture.ts'
import { recordOf } from './journal-record.ts'
import { refusalOf, scratch } from '../scratch.ts'

tap.setTimeout(300_000)

const fileOf = (dir: string): string => join(dir, 'exposures.journal')
const kept = (dir: string): string[] => readdirSync(dir).filter((name) => name.includes('doubtful')).toSorted()

/** What an agent that starts now would read. */
function reload(dir: string, options: JournalOptions = {}): JournalContents {
  const journal = openJournal(dir, options)
  const contents = journal.load()
  journal.close()
  return contents
}

/** A journal with volumes a (plugged) and b (exposing), and one forgotten. */
function written(dir: string): void {
  const journal = openJournal(dir)
  journal.load()
  for (const step of PLUG_STEPS) journal.append(recordOf('a', { step }))
  journal.append(recordOf('gone'))
  journal.forget(recordOf('gone').key)
  journal.forget(recordOf('never there').key)
  journal.append(recordOf('b'))
  journal.close()
}

const WRITTEN = [recordOf('a', { step: 'plugged' }), recordOf('b')]

void tap.test('keeps the last record of each volume, through restarts', async (t) => {
  const dir = join(await scratch(t), 'run', 'hotplugd')
  written(dir)
  for (let start = 0; start < 3; start++) {
    const journal = openJournal(dir)
    t.same(journal.load(), { records: WRITTEN, doubts: [] })
    journal.close()
  }
  t.equal(statSync(dir).mode & 0o777, 0o711)
  t.equal(statSync(fileOf(dir)).mode & 0o777, 0o600)
  t.same(readdirSync(dir), ['exposures.journal'])
})

void tap.test('the hook stands around each record, and a kill before one leaves it unwritten', async (t) => {
  const dir = await scratch(t)
  const seen: string[] = []
  const journal = openJournal(dir, { onStep: (when, step) => seen.push(`${when} ${step} ${statSync(fileOf(dir)).size}`) })
  journal.load()
  for (const step of [...PLUG_STEPS, ...UNPLUG_STEPS]) journal.append(recordOf('a', { step }))
  t.equal(seen.length, 2 * (PLUG_STEPS.length + UNPLUG_STEPS.length))
  for (let i = 0; i < seen.length; i += 2) {
    const [before, after] = [seen[i]?.split(' '), seen[i + 1]?.split(' ')]
    t.same([before?.[0], after?.[0], before?.[1] === after?.[1]], ['before', 'after', true])
    t.ok(Number(after?.[2]) > Number(before?.[2]))
  }
  journal.close()
})

void tap.test('a file torn at any byte loses at most what was written behind it, and says so', async (t) => {
  const dir = await scratch(t)
  written(dir)
  const whole = readFileSync(fileOf(dir))
  const last = whole.lastIndexOf('\n', whole.length - 2) + 1
  for (let length = last; length < whole.length; length++) {
    writeFileSync(fileOf(dir), whole.subarray(0, length))
    const journal = openJournal(dir)
    const { records, doubts } = journal.load()
    const lines = length === last ? { records: WRITTEN.slice(0, 1), doubts: 0 } : { records: length < whole.length - 1 ? WRITTEN.slice(0, 1) : WRITTEN, doubts: 1 }
    if (doubts.length !== lines.doubts || records.length !== lines.records.length) t.fail(`torn at ${length}: ${doubts.join()}`)
    journal.append(recordOf('c'))
    journal.close()
    t.same(reload(dir), { records: [...records, recordOf('c')], doubts: [] }, 'the next append is readable')
  }
  t.same(kept(dir).length, 5, 'few are kept for a person to look at')
})

void tap.test('damage anywhere is noticed, and never makes a record up', async (t) => {
  const dir = await scratch(t)
  written(dir)
  const whole = readFileSync(fileOf(dir))
  const believable = new Set(whole.toString().split('\n').flatMap((line) => (line.includes('"put"') ? [JSON.stringify(JSON.parse(line).put)] : [])))
  const random = seeded(Number(process.env['FUZZ_SEED'] ?? 4711))
  const rounds = Number(process.env['FUZZ_ROUNDS'] ?? 2_000)
  for (let round = 0; round < rounds; round++) {
    const bytes = damage(whole, random)
    writeFileSync(fileOf(dir), bytes)
    const { records, doubts } = reload(dir)
    const isWhole = bytes.equals(whole.subarray(0, bytes.length)) && (bytes.length === 0 || bytes.at(-1) === 10)
    if (doubts.length === 0 && !isWhole) t.fail(`round ${round}: not noticed`)
    for (const record of records) if (!believable.has(JSON.stringify(record))) t.fail(`round ${round}: made up ${JSON.stringify(record)}`)
  }
  t.pass(`${rounds} rounds`)
})

/** Flips bits, overwrites, cuts, doubles or moves parts. */
function damage(whole: Buffer, random: (below: number) => number): Buffer {
  const bytes = Buffer.from(whole)
  const [a, b] = [random(bytes.length), random(bytes.length)].toSorted((x, y) => x - y) as [number, number]
  switch (random(5)) {
    case 0:
      for (let flips = 1 + random(3); flips > 0; flips--) bytes[random(bytes.length)]! ^= 1 << random(8)
      return bytes
    case 1:
      return bytes.subarray(0, a)
    case 2:
      return bytes.fill(random(256), a, b)
    case 3:
      return Buffer.concat([bytes.subarray(0, b), bytes.subarray(a)])
    default:
      return Buffer.concat([bytes.subarray(0, a), bytes.subarray(b)])
  }
}

/** mulberry32 */
function seeded(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

void tap.test('a writer that is killed at any instant loses nothing it had written', async (t) => {
  const dir = await scratch(t)
  const module = join(import.meta.dirname, '../../../../src/adapters/linux/journal/exposure-journal.js')
  const record = join(import.meta.dirname, 'journal-record.js')
  const script = `
    const { openJournal } = await import(${JSON.stringify(module)})
    const { recordOf } = await import(${JSON.stringify(record)})
    const { writeSync } = await import('node:fs')
    const journal = openJournal(process.argv[1])
    let next = Math.max(0, ...journal.load().records.map(({ sizeBytes }) => sizeBytes)) + 1
    writeSync(1, 'ready\\n')
    for (;; next++) {
      journal.append(recordOf('v' + (next % 5), { sizeBytes: next }))
      writeSync(1, next + '\\n')
    }
  `
  for (let round = 0; round < 8; round++) {
    const writer = await start(t, process.execPath, '--input-type=module', '-e', script, dir)
    let said = ''
    writer.stdout?.on('data', (text: Buffer) => (said += text.toString()))
    await until('some writing', () => said.length > 2_000 * (round + 1))
    await kill(writer)
    const last = Number(said.trimEnd().split('\n').at(-2))
    const { records, doubts } = reload(dir)
    const newest = Math.max(...records.map(({ sizeBytes }) => sizeBytes))
    t.ok(newest >= last, `${newest} of at least ${last}; ${doubts.join()}`)
    t.same(records.map(({ sizeBytes }) => sizeBytes).toSorted((a, b) => a - b), Array.from({ length: 5 }, (_, i) => newest - 4 + i), 'no gap')
  }
})

void tap.test('of an earlier boot, and of other versions: void, and said', async (t) => {
  const dir = await scratch(t)
  written(dir)
  const bytes = readFileSync(fileOf(dir))
  t.match(reload(dir, { bootId: 'another' }), { records: [], doubts: [/earlier boot/] })
  t.same(kept(dir), [])
  for (const [format, words] of [[0, /older version/], [2, /newer version/]] as const) {
    writeFileSync(fileOf(dir), Buffer.concat([Buffer.from(header(format)), bytes]))
    t.match(reload(dir), { records: [], doubts: [words] })
  }
  t.equal(kept(dir).length, 2, 'a file of another version is kept for it')
})

/** A true header of another format. */
function header(format: number): string {
  const line = new JournalLines('boot').header()
  const { crc32 } = process.getBuiltinModule('node:zlib')
  const rest = `"format":${format},"boot":"boot"`
  const salt = crc32('hotplugd exposure journal')
  const sealed = `{"crc":"${crc32(rest, salt).toString(16).padStart(8, '0')}",${rest}}\n`
  return line.includes('"format":1,') ? sealed : ''
}

void tap.test('a record in another shape is damage', async (t) => {
  const dir = await scratch(t)
  written(dir)
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  appendFileSync(fileOf(dir), new JournalLines(boot).entry({ seq: 10, put: { ...recordOf('c'), address: null } as never }))
  t.match(reload(dir), { records: WRITTEN, doubts: ['line 10 is damaged'] })
})

void tap.test('something else under the name is kept aside and replaced', async (t) => {
  const dir = await scratch(t)
  const inTheWay: readonly (() => unknown)[] = [
    () => symlinkSync('/etc/passwd', fileOf(dir)),
    () => run('mkfifo', [fileOf(dir)]),
    () => mkdirSync(join(fileOf(dir), 'sub'), { recursive: true }),
    () => run('mknod', [fileOf(dir), 'c', '1', '5']),
  ]
  for (const put of inTheWay) {
    rmSync(fileOf(dir), { force: true, recursive: true })
    await put()
    const journal = openJournal(dir)
    t.match(journal.load(), { records: [], doubts: [/not a regular file/] })
    journal.append(recordOf('a'))
    journal.close()
    t.same(reload(dir), { records: [recordOf('a')], doubts: [] })
  }
  t.equal(kept(dir).length, 4)
  t.match(readFileSync('/etc/passwd', 'utf8'), /^root/)
})

void tap.test('a file that somebody takes away, cuts or writes to is written again whole', async (t) => {
  const dir = await scratch(t)
  const journal = openJournal(dir)
  journal.load()
  journal.append(recordOf('a'))
  for (const act of [() => rmSync(fileOf(dir)), () => truncateSync(fileOf(dir), 10), () => appendFileSync(fileOf(dir), 'x'.repeat(50))]) {
    act()
    journal.append(recordOf('b'))
    t.same(reload(dir), { records: [recordOf('a'), recordOf('b')], doubts: [] })
  }
})

void tap.test('a full file system: no half line stays, and it goes on when there is room', async (t) => {
  const dir = await scratch(t)
  await run('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', dir])
  t.teardown(() => run('umount', [dir]))
  const journal = openJournal(dir)
  journal.load()
  journal.append(recordOf('a'))
  writeFileSync(join(dir, 'filler'), Buffer.alloc(56 * 1024))
  let fitted = 0
  const error = await refusalOf(() => {
    for (; fitted < 1_000; fitted++) journal.append(recordOf(`v${fitted}`, { serial: 's'.repeat(30) }))
  })
  t.match(error, { reason: 'JournalUnwritable', detail: { errno: 'ENOSPC' } })
  t.match(await refusalOf(() => journal.append(recordOf('again'))), { reason: 'JournalUnwritable' })
  rmSync(join(dir, 'filler'))
  journal.append(recordOf('z'))
  const { records, doubts } = reload(dir)
  t.same(doubts, [])
  t.same(records.map(({ key }) => key.volume), ['a', ...Array.from({ length: fitted }, (_, i) => `v${i}`), 'z'])
  journal.close()
})

void tap.test('a journal of many changes of few volumes stays small', async (t) => {
  const dir = await scratch(t)
  const journal = openJournal(dir)
  journal.load()
  let largest = 0
  for (let i = 0; i < 4_000; i++) {
    journal.append(recordOf(`v${i % 10}`, { sizeBytes: i }))
    largest = Math.max(largest, i % 100 === 0 ? statSync(fileOf(dir)).size : 0)
  }
  journal.close()
  t.ok(largest > 1_000_000 && largest < 1_200_000, `${largest} bytes at most`)
  const { records, doubts } = reload(dir)
  t.same(doubts, [])
  t.same(records.map(({ sizeBytes }) => sizeBytes).toSorted((a, b) => a - b), Array.from({ length: 10 }, (_, i) => 3_990 + i))
})

void tap.test('a run directory that cannot be made', async (t) => {
  const file = join(await scratch(t), 'file')
  writeFileSync(file, '')
  t.match(await refusalOf(() => openJournal(join(file, 'run'))), { reason: 'JournalUnwritable', detail: { errno: 'ENOTDIR' } })
})
