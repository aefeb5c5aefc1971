import t from 'tap'
import { REASONS } from '../../src/errors.ts'
import { EVERY } from './every.ts'

t.test('every reason of the catalogue has a case that provokes it, and no other has one', (t) => {
  t.same(new Set(Object.keys(EVERY)), new Set(Object.keys(REASONS)))
  t.end()
})
