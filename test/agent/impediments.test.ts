import t from 'tap'
import type { DesiredVolume, Impediment } from '../../src/model/desired.ts'
import { rig, until, VM } from './rig.ts'

const WAITS: Impediment = { reason: 'AttachmentPodNotReady', cause: 'attachment pod hp-volume-1 is Pending' }
const MIGRATES: Impediment = { reason: 'MigrationUnderWay', cause: 'the VM migrates to node b' }

const UNHELD: Impediment = { reason: 'SourceNotHeld', cause: 'no attachment pod holds claim data' }

function wish(over: Partial<DesiredVolume> = {}): DesiredVolume {
  const disk = { serial: 'data', readonly: false, shareable: false }
  const source = { kind: 'local', path: '/images/data', format: 'raw' } as const
  return { vm: VM, name: 'data', source, disk, persist: false, origin: { kind: 'manifest', file: 'a.yaml' }, token: '', vmUid: null, ...over }
}

t.test('what is not there yet is waited for without a try, told, and plugged once it is', async (t) => {
  const r = await rig(t)
  r.host.sizes.set('/images/data', 4096)
  await r.manifests.put(wish({ blocked: WAITS }))
  await until(() => r.volume('data')?.reason === 'AttachmentPodNotReady', 'told')
  t.match(r.volume('data')?.message, /hp-volume-1 is Pending\. Look at the pod/)
  t.match(r.api.explain({ vm: VM, volume: 'data' }), { reason: 'AttachmentPodNotReady', message: WAITS.cause, next: /as soon as what it waits for happens/ })
  t.same(r.domains.calls, [])
  await r.manifests.put(wish())
  await until(() => r.phase('data') === 'Ready', 'Ready')
  t.same(r.volume('data')?.stages.map(({ name }) => name), ['podReady', 'discovered', 'exposed', 'attached', 'reported'])
  await r.manifests.put(wish({ blocked: WAITS }))
  await r.add('other')
  await until(() => r.phase('other') === 'Ready', 'another one Ready')
  t.match(r.volume('data'), { phase: 'Ready', reason: 'VolumeReady' }, 'nothing happens to what is plugged')
})

t.test('in a VM that is held nothing is plugged or unplugged until it is let go', async (t) => {
  const r = await rig(t)
  r.host.sizes.set('/images/data', 4096)
  await r.add('old')
  await until(() => r.phase('old') === 'Ready', 'Ready')
  r.manifests.held.set(VM, MIGRATES)
  r.manifests.tell()
  await r.manifests.put(wish())
  await r.remove('old')
  await until(() => r.volume('old')?.reason === 'MigrationUnderWay' && r.volume('data')?.reason === 'MigrationUnderWay', 'both told')
  t.equal(r.domains.calls.length, 1, 'the first attach and nothing since')
  r.manifests.held.delete(VM)
  r.manifests.tell()
  await until(() => r.phase('data') === 'Ready' && r.volume('old') === undefined, 'both done')
})

t.test('a source that nothing holds any more is told, and the disk stays', async (t) => {
  const r = await rig(t)
  r.host.sizes.set('/images/data', 4096)
  await r.manifests.put(wish())
  await until(() => r.phase('data') === 'Ready', 'Ready')
  await r.manifests.put(wish({ unheld: UNHELD }))
  await until(() => r.volume('data')?.reason === 'SourceNotHeld', 'told')
  t.match(r.volume('data'), { phase: 'Ready', conditions: [{ type: 'SourceReady', status: 'False', message: UNHELD.cause }] })
  await r.manifests.put(wish())
  await until(() => r.volume('data')?.reason === 'VolumeReady', 'all well again')
  t.same(r.domains.calls, ['attach ua-data sda'])
})

t.test('with the policy Stop the VM is shut down after the grace, once, told first; not if the source is held again in time', async (t) => {
  const r = await rig(t, (rig) => (rig.stopUnheldAfterMs = 1_000))
  r.host.sizes.set('/images/data', 4096)
  await r.manifests.put(wish())
  await until(() => r.phase('data') === 'Ready', 'Ready')
  await r.manifests.put(wish({ unheld: UNHELD }))
  await r.manifests.put(wish())
  await r.manifests.put(wish({ unheld: UNHELD }))
  await until(() => r.domains.calls.includes('shutdown default/vm1'), 'shut down')
  t.match(r.volume('data'), { phase: 'Ready', reason: 'StoppedForLostSource' })
  r.manifests.tell()
  r.domains.restart(VM, false)
  await until(() => r.host.released.length === 1, 'released once it is off')
  t.equal(r.domains.calls.filter((call) => call.startsWith('shutdown')).length, 1, 'nor for the first loss, which was over in time')
})

t.test('a VM whose libvirt is no more has no domain: what was exposed to it is released', async (t) => {
  const r = await rig(t)
  await r.add('data')
  await until(() => r.phase('data') === 'Ready', 'Ready')
  r.domains.domains.delete(VM)
  r.domains.hypervisors = () => []
  r.domains.listener?.onHypervisors()
  await until(() => r.host.released.length === 1, 'released')
  await until(() => r.volume('data')?.reason === 'VmNotFound', 'waited for again')
})

t.test('nothing counts as known before it is known which libvirts there are', async (t) => {
  const r = await rig(t, ({ domains }) => {
    domains.hypervisors = () => null
    domains.start = (listener) => {
      domains.listener = listener
    }
    setTimeout(() => {
      domains.hypervisors = () => ['default']
      domains.listener?.onHypervisors()
      domains.listener?.onConnection('default', true, 'connected')
    }, 50)
  })
  await r.add('data')
  await until(() => r.phase('data') === 'Ready', 'Ready')
})
