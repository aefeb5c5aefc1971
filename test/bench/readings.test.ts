import { spawn } from 'node:child_process'
import t from 'tap'
import { dequantised, monotonicMs, nextWallTick } from './clocks.ts'
import { parseMetrics, sumOf } from './metrics.ts'
import { cpuMs, processFacts } from './process-facts.ts'
import { Scope } from './scope.ts'
import { forEachAtOnce } from './subject.ts'

t.test('metrics are read as Prometheus has them', async (t) => {
  const metrics = parseMetrics(['# HELP a_total Acts.', 'a_total{operation="plug",outcome="done"} 3', 'a_total{operation="settle",outcome="a \\"b\\""} 4', 'lag_seconds 0.0112', ''].join('\n'))
  t.equal(sumOf(metrics, 'a_total'), 7)
  t.equal(sumOf(metrics, 'a_total', ({ operation }) => operation === 'plug'), 3)
  t.equal(sumOf(metrics, 'lag_seconds'), 0.0112)
  t.equal(sumOf(metrics, 'absent'), 0)
})

t.test('a millisecond of the wall clock is resolved to its middle, or to what is left of it', async (t) => {
  t.equal(dequantised(1_000, 990), 1_000.5)
  t.equal(dequantised(1_000, 1_000.5), 1_000.75)
  t.equal(dequantised(1_000, 1_001.5), 1_001.5)
})

t.test('the two clocks are read at one instant', async (t) => {
  const before = monotonicMs()
  const tick = nextWallTick()
  t.ok(tick.monotonicMs >= before && tick.monotonicMs <= monotonicMs())
})

t.test('the kernel tells of a process', async (t) => {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)'], { stdio: 'ignore' })
  t.teardown(() => child.kill('SIGKILL'))
  const facts = await processFacts(child.pid ?? 0)
  t.ok(facts.rssMiB > 0 && facts.descriptors > 0 && facts.threads > 0 && facts.mounts > 0)
  t.ok((await cpuMs(process.pid)) > 0)
})

t.test('a scope ends the youngest first, once, whatever one of them throws', async (t) => {
  const ended: string[] = []
  const scope = new Scope()
  scope.teardown(() => ended.push('first'))
  scope.teardown(() => Promise.reject(new Error('will not end, as this test wants')))
  const inner = scope.inner()
  inner.teardown(() => ended.push('inner'))
  scope.teardown(() => ended.push('last'))
  await Promise.all([scope.end(), scope.end()])
  t.strictSame(ended, ['last', 'inner', 'first'])
  scope.teardown(() => ended.push('late'))
  t.strictSame(ended, ['last', 'inner', 'first', 'late'])
})

t.test('many are done in order, a few at once', async (t) => {
  const begun: number[] = []
  let running = 0
  let most = 0
  await forEachAtOnce(Array.from({ length: 20 }, (_, i) => i), async (item) => {
    begun.push(item)
    most = Math.max(most, ++running)
    await new Promise(setImmediate)
    running--
  }, 4)
  t.strictSame(begun, Array.from({ length: 20 }, (_, i) => i))
  t.equal(most, 4)
})
