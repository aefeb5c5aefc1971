import t from 'tap'
import { runCases } from './case.ts'
import { STANDALONE, startStandalone } from './standalone.ts'

t.test('every reason of a libvirt host', async (t) => {
  const room = await startStandalone(t)
  await runCases(t, STANDALONE, room)
  await room.isEmpty()
})
