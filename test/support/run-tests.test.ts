import t from 'tap'
import { Report } from './run/report.ts'

const stream = (events: readonly unknown[]) => {
  const said: string[] = []
  const report = new Report((line) => said.push(line))
  for (const event of events) report.hear(JSON.stringify(event))
  return { tally: report.end(), said: said.join('\n') }
}

t.test('tests are counted, not their assertions', async (t) => {
  const { tally } = stream([
    ['start', { name: 'a.js', level: 1 }],
    ['start', { name: 'one', level: 2 }],
    ['pass', { ok: true, name: 'x', fullname: 'a.js > one > x' }],
    ['pass', { ok: true, name: 'y', fullname: 'a.js > one > y' }],
    ['end', { name: 'one', level: 2, ok: true, fullname: 'a.js > one' }],
    ['pass', { ok: true, name: 'direct', fullname: 'a.js > direct' }],
    ['end', { name: 'a.js', level: 1, ok: true, fullname: 'a.js', time: 10 }],
  ])
  t.strictSame(tally, { passed: 2, failed: [], skipped: [] })
})

t.test('a failed test is named once and its difference is shown', async (t) => {
  const { tally, said } = stream([
    ['start', { name: 'a.js', level: 1 }],
    ['fail', { ok: false, name: 'x', fullname: 'a.js > one > x', diag: { diff: '-2\n+1\n' } }],
    ['end', { name: 'one', level: 2, ok: false, fullname: 'a.js > one' }],
    ['end', { name: 'a.js', level: 1, ok: false, fullname: 'a.js', time: 10 }],
  ])
  t.strictSame(tally.failed, ['a.js > one'])
  t.match(said, /FAILED a\.js > one > x\n {2}\| -2\n {2}\| \+1\nNOT OK a\.js/)
})

t.test('a file that breaks, is empty or never ends is a failure', async (t) => {
  const { tally } = stream([
    ['start', { name: 'crash.js', level: 1 }],
    ['end', { name: 'crash.js', level: 1, ok: false, fullname: 'crash.js', diag: { exitCode: 1 } }],
    ['start', { name: 'empty.js', level: 1 }],
    ['end', { name: 'empty.js', level: 1, ok: true, skip: 'no tests found', fullname: 'empty.js' }],
    ['start', { name: 'killed.js', level: 1 }],
  ])
  t.strictSame(tally.failed, ['crash.js: ended with 1 outside its tests', 'empty.js: no tests found', 'killed.js: did not end'])
})

t.test('skipped tests are named with their reason', async (t) => {
  const { tally } = stream([
    ['start', { name: 'a.js', level: 1 }],
    ['skip', { ok: true, name: 'x', skip: 'no reason', fullname: 'a.js > x' }],
    ['todo', { ok: false, name: 'y', todo: true, fullname: 'a.js > one > y' }],
  ])
  t.strictSame(tally.skipped, ['a.js > x: no reason', 'a.js > one > y: true'])
})
