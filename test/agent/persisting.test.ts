import t from 'tap'
import { type Rig, rig, until, VM } from './rig.ts'

function places(r: Rig): (string | undefined)[] {
  return (r.domains.domains.get(VM)?.view.persistentDisks ?? []).map(({ target }) => target).toSorted()
}

/** libvirt takes no two disks of one target. */
function refuseDoubles(r: Rig): void {
  const persist = r.domains.persist.bind(r.domains)
  r.domains.persist = async (vm, plan) => {
    const taken = places(r).includes(plan.target)
    return taken ? { kind: 'refused', code: 'VIR_ERR_XML_ERROR', message: `target ${plan.target} already exists` } : persist(vm, plan)
  }
}

t.test('volumes that are persisted at once in a VM that is off get places of their own', async (t) => {
  const r = await rig(t)
  refuseDoubles(r)
  r.domains.restart(VM, false)
  await Promise.all(['a', 'b', 'c'].map((name) => r.add(name, { persist: true })))
  await until(() => ['a', 'b', 'c'].every((name) => r.volume(name)?.persisted === true), 'persisted')
  t.same(places(r), ['sda', 'sdb', 'sdc'])
})

t.test('a place that was intended and is taken by now is given up', async (t) => {
  const r = await rig(t)
  refuseDoubles(r)
  r.domains.restart(VM, false)
  const persist = r.domains.persist.bind(r.domains)
  r.domains.persist = async (vm, plan) => {
    r.domains.persist = persist
    await r.domains.persist(vm, { ...plan, alias: 'ua-by-hand' })
    return persist(vm, plan)
  }
  await r.add('data', { persist: true })
  await until(() => r.volume('data')?.persisted === true, 'persisted')
  t.same(places(r), ['sda', 'sdb'])
})
