import t from 'tap'
import { beyondFigure, boundFigure, failedFigure, ratioFigure, ratioOf, resultObject, type Figure } from './figure.ts'
import { formatNumber, renderTable } from './table.ts'

const kept: Figure = ratioFigure({ id: 'F1', what: 'one volume', unit: 'ms', measured: 6, yardstick: 5, spread: [4.5, 5.25], atMost: 1.25, notes: ['where it goes'] })
const missed: Figure = ratioFigure({ id: 'F5', what: 'many out', unit: 'ms', measured: 4, yardstick: 10, spread: [9, 11], atMost: 0.25 })
const bound: Figure = boundFigure({ id: 'F11', what: 'ready', unit: 's', measured: 0.41234567, atMost: 0.5 })

t.test('a promise is kept up to its bound', async (t) => {
  t.equal(kept.ok, true)
  t.equal(missed.ok, false)
  t.equal(bound.ok, true)
  t.equal(boundFigure({ ...bound, measured: 0.5, atMost: 0.5, yardstick: 1, spread: [1, 1] }).ok, true)
  t.equal(boundFigure({ id: 'F11', what: 'ready', unit: 's', measured: NaN, atMost: 0.5 }).ok, false)
})

t.test('a promise may allow so much beyond the yardstick', async (t) => {
  const parts = { id: 'UID', what: 'disk in domain', unit: 'ms', yardstick: 5, spread: [4, 6], beyond: 8 } as const
  t.match(beyondFigure({ ...parts, measured: 13 }), { goal: '≤ + 8 ms', ok: true })
  t.equal(beyondFigure({ ...parts, measured: 13.1 }).ok, false)
  t.equal(beyondFigure({ ...parts, measured: NaN }).ok, false)
})

t.test('the ratio is there where there is a yardstick', async (t) => {
  t.equal(ratioOf(missed), 0.4)
  t.equal(ratioOf(bound), null)
  t.equal(ratioOf({ measured: 3, yardstick: 0 }), null)
})

t.test('as JSON every figure has the same seven fields, also one that could not be measured', async (t) => {
  const { figures } = JSON.parse(JSON.stringify(resultObject([kept, missed, bound, failedFigure('F2', new Error('no guest'))])))
  for (const figure of figures) t.strictSame(Object.keys(figure), ['id', 'what', 'measured', 'yardstick', 'ratio', 'goal', 'ok'])
  t.strictSame(figures[0], { id: 'F1', what: 'one volume, ms', measured: 6, yardstick: 5, ratio: 1.2, goal: '≤ 1.25 ×', ok: true })
  t.match(figures[2], { measured: 0.4123, yardstick: null, ratio: null, goal: '≤ 0.5 s', ok: true })
  t.match(figures[3], { id: 'F2', measured: null, ratio: null, ok: false })
})

t.test('the table shows what is missed, the spread and the notes', async (t) => {
  const table = renderTable([kept, missed, failedFigure('F2', 'no guest')])
  const [heads = '', rule = '', ...rows] = table.split('\n')
  t.match(heads, /^id +what +measured +yardstick \(spread\) +ratio +goal +ok$/)
  t.match(rule, /^[─ ]+$/)
  t.match(rows[0], /^F1 +one volume +6 ms +5 ms \(4\.50–5\.25\) +1\.20 +≤ 1\.25 × +yes$/)
  t.match(rows[1], / 0\.40 +≤ 0\.25 × +MISSED$/)
  t.match(rows[2], /^F2 +could not be measured +\? +– +– +to be measured +MISSED$/)
  t.match(table, /F1: where it goes\n +F2: no guest\n$/)
})

t.test('numbers have three digits', async (t) => {
  t.strictSame([0, 12, 0.123, 5.6789, 12.34, 4027.4, NaN, -3.456].map(formatNumber), ['0', '12', '0.12', '5.68', '12.3', '4027', '?', '-3.46'])
})
