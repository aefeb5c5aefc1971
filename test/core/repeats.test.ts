import t from 'tap'
import { Repeats } from '../../src/core/repeats.ts'

t.test('the same again is one line a minute and a counter', async (t) => {
  const repeats = new Repeats()
  t.same(repeats.happened('a', 5), { isSaid: true })
  t.same(repeats.happened('a', 6), { isSaid: false, repeats: 1 })
  t.same(repeats.happened('a', 60_004), { isSaid: false, repeats: 2 })
  t.same(repeats.happened('a', 60_005), { isSaid: true, repeats: 3 })
  t.same(repeats.happened('a', 60_006), { isSaid: false, repeats: 1 }, 'counted from the line that was last said')
})

t.test('two that alternate are counted each for itself', async (t) => {
  const repeats = new Repeats()
  t.ok(repeats.happened('a', 0).isSaid)
  t.ok(repeats.happened('b', 1).isSaid)
  t.same(repeats.happened('a', 2), { isSaid: false, repeats: 1 })
  t.same(repeats.happened('b', 3), { isSaid: false, repeats: 1 })
})

t.test('what did not happen for ten minutes is new, and the others are not forgotten', async (t) => {
  const repeats = new Repeats()
  repeats.happened('a', 0)
  repeats.happened('b', 1)
  repeats.happened('a', 2)
  t.same(repeats.happened('b', 600_001), { isSaid: true })
  t.same(repeats.happened('a', 600_001), { isSaid: true, repeats: 2 })
  t.same(repeats.happened('a', 1_200_001), { isSaid: true })
})
