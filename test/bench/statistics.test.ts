import t from 'tap'
import { chanceDifference, median, quantile, slope, spreadOf } from './statistics.ts'

const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i + 1)

t.test('quantiles lie between neighbours in proportion, in any order of the samples', async (t) => {
  t.equal(median([3, 1, 2]), 2)
  t.equal(median([4, 1, 2, 3]), 2.5)
  t.equal(quantile(upTo(101).toReversed(), 0.99), 100)
  t.equal(quantile([5], 0.99), 5)
  t.ok(Number.isNaN(median([])))
})

t.test('the samples are left as they were', async (t) => {
  const samples = [3, 1, 2]
  median(samples)
  chanceDifference(samples, median)
  t.strictSame(samples, [3, 1, 2])
})

t.test('the spread is that of consecutive parts', async (t) => {
  t.strictSame(spreadOf([...Array<number>(20).fill(5), ...Array<number>(20).fill(7)], median, 2), [5, 7])
  t.strictSame(spreadOf([4, 6], median), [4, 6])
})

t.test('equal samples differ by nothing, and jumping ones by something', async (t) => {
  t.equal(chanceDifference(Array<number>(50).fill(3), median), 0)
  const difference = chanceDifference(upTo(100), median)
  t.ok(difference > 0 && difference < 50)
  t.equal(difference, chanceDifference(upTo(100), median), 'drawn alike each time')
})

t.test('a slope is not moved by a few points that jump', async (t) => {
  const points = upTo(50).map((x) => [x, 10 + 2 * x] as const)
  t.equal(slope(points), 2)
  t.equal(slope([...points.slice(0, 20), [21, 1_000], ...points.slice(21)]), 2)
  t.equal(slope(upTo(9).map((x) => [x, 4])), 0)
})
