import t from 'tap'
import { identityOf } from './fakes.ts'
import { rig, until, VM } from './rig.ts'

t.test('in, seen, out: journalled in order and nothing left', async (t) => {
  const r = await rig(t)
  await r.add('data')
  await until(() => r.phase('data') === 'Ready', 'Ready')
  t.match(r.volume('data'), { target: 'sda', serial: 'data', reason: 'VolumeReady' })
  t.same(r.volume('data')?.stages.map(({ name }) => name).slice(0, 3), ['discovered', 'exposed', 'attached'])
  t.same(r.volume('data')?.conditions.map(({ type, status }) => `${type} ${status}`), ['SourceReady True', 'Exposed True', 'Attached True', 'Ready True'])
  await r.remove('data')
  await until(() => r.volume('data') === undefined, 'gone')
  t.same(r.journal.steps, ['exposing', 'exposed', 'attaching', 'attached', 'plugged', 'detaching', 'detachIssued', 'detached', 'releasing', 'released'])
  t.same(r.host.released, ['/images/data'])
  t.equal(r.journal.records.size, 0)
})

t.test('nothing is released while QEMU has it open, although the disk left the list', async (t) => {
  const r = await rig(t, (rig) => (rig.domains.keepsOpen = true))
  await r.add('data')
  await until(() => r.phase('data') === 'Ready', 'Ready')
  await r.remove('data')
  await until(() => r.volume('data')?.reason === 'StillOpen', 'StillOpen')
  t.same(r.host.released, [])
  r.domains.domains.get(VM)?.open.clear()
  await until(() => r.volume('data') === undefined, 'released')
  t.same(r.host.released, ['/images/data'])
})

t.test('what QEMU holds of a disk that libvirt does not list is cleared after a while, and then released', async (t) => {
  const r = await rig(t, (rig) => (rig.domains.keepsOpen = rig.domains.unlisted = true))
  await r.add('data')
  await until(() => r.phase('data') === 'Ready', 'Ready')
  await r.remove('data')
  await until(() => r.volume('data')?.reason === 'StillOpen', 'StillOpen first: QEMU may be about to close it')
  t.notMatch(r.domains.calls.join(), 'clear')
  await until(() => r.volume('data') === undefined, 'released')
  t.equal(r.domains.calls.filter((call) => call.startsWith('clear')).length, 1)
})

t.test('a lost removal event is made up for by reading', async (t) => {
  const r = await rig(t, (rig) => (rig.domains.tellsRemovals = false))
  await r.add('data')
  await until(() => r.phase('data') === 'Ready', 'Ready')
  await r.remove('data')
  await until(() => r.volume('data') === undefined, 'gone')
  t.equal(r.domains.calls.filter((call) => call.startsWith('detach')).length, 1)
})

t.test('a removal that QEMU does not answer is never asked for twice', async (t) => {
  const r = await rig(t)
  await r.add('data')
  await until(() => r.phase('data') === 'Ready', 'Ready')
  let answer: (bytes: number) => void = () => {}
  r.domains.capacity = () => new Promise((resolve) => (answer = resolve))
  r.domains.nextDetach = async () => ({ kind: 'done' })
  await r.remove('data')
  await until(() => r.volume('data')?.reason === 'DetachPending', 'DetachPending')
  t.equal(r.domains.calls.filter((call) => call.startsWith('detach')).length, 1)
  r.domains.capacity = async () => 4096
  answer(4096)
  await until(() => r.volume('data') === undefined, 'gone in the end')
  t.equal(r.domains.calls.filter((call) => call.startsWith('detach')).length, 2, 'asked again once it was proven not to be pending')
})

t.test('the wrong bytes go out at once', async (t) => {
  const r = await rig(t)
  r.domains.nextAttach = async (plan) => {
    r.domains.reallyAttach(VM, plan)
    r.domains.domains.get(VM)?.open.clear()
    r.host.identities.set(plan.path, identityOf('another'))
    return { kind: 'done' }
  }
  await r.add('data')
  await until(() => r.volume('data')?.reason === 'SourceChanged', 'SourceChanged')
  await until(() => r.domains.domains.get(VM)?.view.disks.length === 0, 'out again')
  t.equal(r.phase('data'), 'Pending')
})

t.test('an uncertain attach is read back, not repeated', async (t) => {
  const r = await rig(t)
  let settle: () => void = () => {}
  r.domains.nextAttach = async (plan) => {
    setTimeout(() => (r.domains.reallyAttach(VM, plan), settle()), 50)
    return { kind: 'uncertain', message: 'deadline', settled: new Promise((resolve) => (settle = resolve)) }
  }
  await r.add('data')
  await until(() => r.volume('data')?.reason === 'OutcomeUncertain', 'OutcomeUncertain')
  await until(() => r.phase('data') === 'Ready', 'Ready')
  t.equal(r.domains.calls.filter((call) => call.startsWith('attach')).length, 1)
})

t.test('an uncertain attach of a source that was exchanged meanwhile is taken out again', async (t) => {
  const r = await rig(t)
  r.domains.nextAttach = async (plan) => {
    r.domains.reallyAttach(VM, plan)
    r.host.identities.set(plan.path, identityOf('another'))
    return { kind: 'uncertain', message: 'deadline', settled: Promise.resolve() }
  }
  await r.add('data')
  await until(() => r.domains.calls.some((call) => call.startsWith('detach')), 'taken out')
  t.equal(r.phase('data'), 'Pending')
})

t.test('a refused attach leaves nothing behind and is told with cause and remedy', async (t) => {
  const r = await rig(t)
  r.domains.nextAttach = async () => ({ kind: 'refused', code: 'VIR_ERR_INTERNAL_ERROR', message: 'QEMU said no' })
  await r.add('data')
  await until(() => r.volume('data')?.reason === 'AttachRefused', 'AttachRefused')
  t.match(r.volume('data')?.message, /QEMU said no.*log/s)
  await until(() => r.phase('data') === 'Ready', 'Ready on the next try')
})

t.test('one source is given to one VM only', async (t) => {
  const r = await rig(t, (rig) => {
    const disk = { target: 'vda', bus: 'virtio', device: 'disk', sourceType: 'file', source: '/images/shared', format: 'raw' }
    const none = { serial: null, alias: null, address: null, readonly: false, shareable: false, backing: [] }
    rig.domains.addDomain('default/vm2' as typeof VM, { disks: [{ ...disk, ...none }] })
  })
  await t.rejects(r.add('data', { path: '/images/shared' }), { reason: 'SourceInUse', message: /disk vda of default\/vm2/ } as never)
})

t.test('a wish that is changed under its name: out, then in', async (t) => {
  const r = await rig(t)
  await r.add('data')
  await until(() => r.phase('data') === 'Ready', 'Ready')
  await r.remove('data')
  await r.add('data', { serial: 'NEW' })
  await until(() => r.volume('data')?.serial === 'NEW' && r.phase('data') === 'Ready', 'the new one')
  t.same(r.domains.calls, ['attach ua-data sda', 'detach ua-data', 'attach ua-data sda'])
})

t.test('persisted: an ordinary disk after the next start, and only taken out of both', async (t) => {
  const r = await rig(t)
  await r.add('data', { persist: true })
  await until(() => r.volume('data')?.persisted === true && r.phase('data') === 'Ready', 'persisted')
  r.domains.restart(VM, false)
  await until(() => r.api.vm({ namespace: 'default', name: 'vm1' })?.state === 'Stopped', 'stopped')
  r.domains.restart(VM, true)
  await until(() => r.volume('data')?.target === 'sda' && r.volume('data')?.hotplugged === false, 'an ordinary disk')
  await t.rejects(r.remove('data'), { reason: 'PersistRequired' } as never)
  await r.remove('data', true)
  await until(() => r.volume('data') === undefined, 'out of both')
  t.same(r.domains.calls.slice(-2), ['unpersist ua-data', 'detach ua-data'])
  t.equal(r.ledger.all.size, 0)
})

t.test('a VM that restarts gets its volumes again', async (t) => {
  const r = await rig(t)
  await r.add('data')
  await until(() => r.phase('data') === 'Ready', 'Ready')
  r.domains.restart(VM, false)
  await until(() => r.volume('data')?.reason === 'VmNotRunning', 'VmNotRunning')
  t.same(r.host.released, ['/images/data'])
  r.domains.restart(VM, true)
  await until(() => r.phase('data') === 'Ready', 'Ready again')
})

t.test('a journal that cannot be written refuses the act before it is done', async (t) => {
  const r = await rig(t, (rig) => (rig.journal.failAt = 'exposing'))
  await r.add('data')
  await until(() => r.volume('data')?.reason === 'JournalUnwritable', 'JournalUnwritable')
  t.same(r.domains.calls, [])
  r.journal.failAt = null
  await until(() => r.phase('data') === 'Ready', 'Ready once there is room')
})

t.test('the disk that is already there is adopted when the journal was lost', async (t) => {
  const r = await rig(t)
  await r.add('data')
  await until(() => r.phase('data') === 'Ready', 'Ready')
  await r.crash()
  r.journal.records.clear()
  await r.start()
  await until(() => r.phase('data') === 'Ready', 'Ready again')
  t.equal(r.domains.calls.length, 1, 'attached once')
})

t.test('nothing is removed on an incomplete reading of the wishes', async (t) => {
  const r = await rig(t)
  const disk = { serial: 'data', readonly: false, shareable: false }
  r.host.sizes.set('/images/data', 4096)
  const source = { kind: 'local', path: '/images/data', format: 'raw' } as const
  await r.manifests.put({ vm: VM, name: 'data', source, disk, persist: false, origin: { kind: 'manifest', file: 'a.yaml' }, token: '', vmUid: null })
  await until(() => r.phase('data') === 'Ready', 'Ready')
  await t.rejects(r.remove('data'), { reason: 'OwnedByManifest', message: /a\.yaml/ } as never)
  r.manifests.synced = false
  await r.manifests.remove({ vm: VM, volume: 'data' })
  await until(() => r.volume('data')?.reason === 'ManifestsUnreadable', 'ManifestsUnreadable')
  t.equal(r.domains.calls.length, 1)
  r.manifests.synced = true
  r.manifests.tell()
  await until(() => r.volume('data') === undefined, 'gone once the reading was whole')
})

t.test('a hundred at once, one of them bad: the others do not wait', async (t) => {
  const r = await rig(t)
  const names = Array.from({ length: 100 }, (_, i) => `v${i}`)
  const bad = 'v50'
  const adding = Promise.all(names.map((name) => r.add(name)))
  const attach = r.domains.attach.bind(r.domains)
  r.domains.attach = async (vm, plan) => (plan.volume === bad ? { kind: 'refused', code: 'VIR_ERR_INTERNAL_ERROR', message: 'bad' } : attach(vm, plan))
  await adding
  await until(() => names.every((name) => name === bad || r.phase(name) === 'Ready'), 'all others Ready')
  r.domains.attach = attach
  await until(() => r.phase(bad) === 'Ready', 'the bad one Ready once it is mended')
  t.equal(new Set(names.map((name) => r.volume(name)?.target)).size, 100)
  await Promise.all(names.map((name) => r.remove(name)))
  await until(() => r.api.vm({ namespace: 'default', name: 'vm1' })?.volumes.length === 0, 'all gone')
  t.equal(new Set(r.host.released).size, 100)
})

t.test('a source that grows is told to QEMU once it stands still', async (t) => {
  const r = await rig(t)
  await r.add('data')
  await until(() => r.phase('data') === 'Ready', 'Ready')
  r.host.sizes.set('/images/data', 10_001)
  await until(() => r.domains.calls.some((call) => call.startsWith('resize')), 'resize')
  t.equal(r.domains.calls.at(-1), 'resize sda 10240', 'rounded up, so that no byte of the file is cut')
  r.host.sizes.set('/images/data', 100)
  t.equal(r.domains.calls.filter((call) => call.startsWith('resize')).length, 1)
})
