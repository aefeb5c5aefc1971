import t from 'tap'
import { isReason, REASONS } from '../../src/errors.ts'
import { EVERY, PROVOKED } from './every.ts'
import { TODO } from './todo.ts'

t.test('every reason of the catalogue has a case that provokes it, and no other has one', (t) => {
  t.same(Object.keys(EVERY).sort(), Object.keys(REASONS).sort())
  t.same(Object.keys(TODO).filter((reason) => isReason(reason) && Object.hasOwn(PROVOKED, reason)), [], 'what has a case is not to do any more')
  t.end()
})
