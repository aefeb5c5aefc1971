import t from 'tap'
import { rig, until, VM } from './rig.ts'

const names = (prefix: string, count: number) => Array.from({ length: count }, (_, i) => `${prefix}${i}`)

t.test('a volume that waits for a place among the acts gets one, however many others gave up waiting', async (t) => {
  const r = await rig(t)
  let open: () => void = () => {}
  const opened = new Promise<void>((resolve) => (open = resolve))
  const attach = r.domains.attach.bind(r.domains)
  r.domains.attach = async (vm, plan) => opened.then(() => attach(vm, plan))
  await Promise.all(names('first', 16).map((name) => r.add(name)))
  await until(() => r.api.state().operations.length === 16, 'all places to be taken')
  await Promise.all(names('given-up', 40).map((name) => r.add(name)))
  await Promise.all(names('given-up', 40).map((name) => r.remove(name)))
  await r.add('last')
  open()
  await until(() => r.phase('last') === 'Ready', 'the last one')
  t.equal(r.agent.world.find(VM)?.queued.size, 0)
})

t.test('whoever listens badly does not stop a volume on its way', async (t) => {
  const r = await rig(t)
  r.api.watch(() => {
    throw new Error('a bad listener')
  })
  await r.add('data')
  await until(() => r.phase('data') === 'Ready', 'Ready')
  t.equal(r.agent.world.find(VM)?.runningCount, 0)
  await r.remove('data')
  await until(() => r.volume('data') === undefined, 'gone')
})
