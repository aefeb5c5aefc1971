import t from 'tap'
import type { DomainView } from '../../src/model/domain.ts'
import { rig, REF, type Rig, until, VM } from './rig.ts'

/** A reading of the domain that shows it as it is now, and ends when the test says so. */
function lateReading(r: Rig): () => void {
  let end: () => void = () => {}
  const observe = r.domains.observe
  const seen = r.domains.domains.get(VM)?.view ?? null
  r.domains.observe = () => {
    r.domains.observe = observe
    return new Promise<DomainView | null>((resolve) => (end = () => resolve(seen)))
  }
  r.domains.listener?.onDomain(VM, 'rebooted')
  return () => end()
}

function phasesOf(r: Rig, name: string): (string | null)[] {
  const phases: (string | null)[] = []
  r.api.watch((_vm, status) => void phases.push(status?.volumes.find((volume) => volume.name === name)?.phase ?? null))
  return phases
}

const attaches = (r: Rig) => r.domains.calls.filter((call) => call.startsWith('attach')).length

t.test('a reading from before the attach does not make a plugged volume doubtful', async (t) => {
  const r = await rig(t)
  const end = lateReading(r)
  await r.add('data')
  await until(() => r.phase('data') === 'Ready', 'Ready')
  const phases = phasesOf(r, 'data')
  end()
  await new Promise((resolve) => setTimeout(resolve, 50))
  t.same(phases.filter((phase) => phase !== 'Ready'), [])
  t.equal(r.volume('data')?.target, 'sda')
})

t.test('a reading from before the unplug does not keep the source taken', async (t) => {
  const r = await rig(t)
  await r.add('data')
  await until(() => r.phase('data') === 'Ready', 'Ready')
  const end = lateReading(r)
  await r.remove('data')
  await until(() => r.volume('data') === undefined, 'gone')
  end()
  await until(() => r.agent.world.find(VM)?.view?.disks.length === 0, 'the reading')
  await r.add('again', { path: '/images/data' })
  await until(() => r.phase('again') === 'Ready', 'Ready')
  t.equal(r.api.vm(REF)?.volumes.length, 1)
})

t.test('a pause is no reason to doubt what is plugged', async (t) => {
  const r = await rig(t)
  await r.add('data')
  await until(() => r.phase('data') === 'Ready', 'Ready')
  const phases = phasesOf(r, 'data')
  const domain = r.domains.domains.get(VM)
  if (domain !== undefined) domain.view = { ...domain.view, state: 'paused' }
  r.domains.listener?.onDomain(VM, 'suspended')
  await until(() => r.api.vm(REF)?.state === 'Paused', 'Paused')
  t.same(phases.filter((phase) => phase !== 'Ready'), [])
})

t.test('what the act of one volume learns of another is acted upon', async (t) => {
  const r = await rig(t)
  await r.add('lost')
  await until(() => r.phase('lost') === 'Ready', 'Ready')
  r.domains.setDisks(VM, []) // and nobody tells
  r.domains.domains.get(VM)?.open.clear()
  await r.add('other', { persist: true })
  await until(() => r.volume('other')?.persisted === true, 'persisted')
  await until(() => attaches(r) === 3, 'plugged again')
  await until(() => r.phase('lost') === 'Ready', 'Ready again')
})
