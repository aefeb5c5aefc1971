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
