import t from 'tap'
import { rig, until, VM } from './rig.ts'

t.test('a QEMU that comes up while a disk is attached is the one that proves and releases it', async (t) => {
  const r = await rig(t)
  r.domains.nextAttach = async (plan) => {
    const { listener } = r.domains
    r.domains.listener = null // the news come late
    r.domains.restart(VM, false)
    r.domains.restart(VM, true)
    r.domains.listener = listener
    return r.domains.reallyAttach(VM, plan)
  }
  await r.add('data')
  await until(() => r.phase('data') === 'Ready', 'Ready')
  t.notOk(r.domains.calls.includes('detach ua-data'), 'not taken out again')
  r.domains.keepsOpen = true
  await r.remove('data')
  await until(() => r.volume('data')?.reason === 'StillOpen', 'StillOpen')
  t.same(r.host.released, [])
  r.domains.domains.get(VM)?.open.clear()
  await until(() => r.volume('data') === undefined, 'gone')
})

t.test('a VM that restarts while its disk is told to have grown: the disk is plugged again', async (t) => {
  const r = await rig(t)
  await r.add('data')
  await until(() => r.phase('data') === 'Ready', 'Ready')
  let answer: (bytes: number) => void = () => {}
  r.domains.capacity = () => new Promise((resolve) => (answer = resolve))
  r.host.sizes.set('/images/data', 8192)
  await until(() => r.api.state().operations.length > 0, 'the act')
  r.domains.restart(VM, false)
  r.domains.restart(VM, true)
  await until(() => r.agent.world.find(VM)?.view?.disks.length === 0, 'the new QEMU to be read')
  answer(4096)
  await until(() => r.domains.calls.filter((call) => call.startsWith('attach')).length === 2, 'plugged again')
})
