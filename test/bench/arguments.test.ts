import t from 'tap'
import { parseArguments } from './arguments.ts'

t.test('without being told, everything but the soak is measured', async (t) => {
  const { only, json, quick, help } = parseArguments([])
  t.strictSame([...only], ['F1', 'F2', 'F4', 'F5', 'F6', 'F7', 'F8', 'F11'])
  t.strictSame({ json, quick, help }, { json: false, quick: false, help: false })
})

t.test('figures are named in one list or several, in any case', async (t) => {
  t.strictSame([...parseArguments(['--only', 'F1,f4', '--only=F12', '--json']).only], ['F1', 'F4', 'F12'])
  t.equal(parseArguments(['--only', 'F1', '--json']).json, true)
})

t.test('what is not known is told', async (t) => {
  t.throws(() => parseArguments(['--only', 'F1,F3']), { message: /F3 is not a figure; figures: F1, / })
  t.throws(() => parseArguments(['--only', '']), { message: /nothing is not a figure/ })
  t.throws(() => parseArguments(['--fast']))
})

t.test('each mode has its own figures', async (t) => {
  const { mode, only } = parseArguments(['--mode', 'kubernetes'])
  t.equal(mode, 'kubernetes')
  t.strictSame([...only], ['F1', 'F3', 'F7', 'F8', 'F9', 'F10', 'F11', 'UID', 'OTHERS', 'TEN', 'COST'])
  t.equal(parseArguments([]).mode, 'standalone')
  t.strictSame([...parseArguments(['--mode=kubernetes', '--only', 'f3,ten']).only], ['F3', 'TEN'])
  t.throws(() => parseArguments(['--mode', 'kubernetes', '--only', 'F2']), { message: /F2 is not a figure; figures: F1, F3, / })
  t.throws(() => parseArguments(['--mode', 'both']), { message: /both is not a mode; modes: standalone, kubernetes/ })
})
