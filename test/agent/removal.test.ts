import t from 'tap'
import { identityOf } from './fakes.ts'
import { rig, type Rig, until, VM } from './rig.ts'

const detaches = (r: Rig) => r.domains.calls.filter((call) => call.startsWith('detach')).length

/** The next attach opens something else than what was looked up. */
function openAnother(r: Rig): void {
  r.domains.nextAttach = async (plan) => {
    r.domains.reallyAttach(VM, plan)
    r.domains.domains.get(VM)?.open.clear()
    return { kind: 'done' }
  }
}

t.test('the wrong bytes are never Ready, also when they cannot be taken out at once', async (t) => {
  const r = await rig(t)
  const phases = new Set<string | null | undefined>()
  r.api.watch((_vm, status) => void phases.add(status?.volumes[0]?.phase))
  openAnother(r)
  let refusals = 0
  const refuse = async () => {
    if (refusals++ === 0) r.domains.nextDetach = refuse
    return { kind: 'refused', code: 'VIR_ERR_OPERATION_TIMEOUT', message: 'busy' } as const
  }
  r.domains.nextDetach = refuse
  await r.add('data')
  await until(() => refusals === 2, 'two refusals')
  t.notOk(phases.has('Ready'))
  await until(() => r.volume('data')?.reason === 'VolumeReady', 'the right ones, and nothing said of the wrong ones any more')
  t.equal(detaches(r), 3)
})

t.test('wrong bytes that QEMU keeps for a while stay condemned', async (t) => {
  const r = await rig(t)
  openAnother(r)
  r.domains.nextDetach = async () => ({ kind: 'uncertain', message: 'cut off', settled: Promise.resolve() })
  const phases = new Set<string | null | undefined>()
  r.api.watch((_vm, status) => void phases.add(status?.volumes[0]?.phase))
  await r.add('data')
  await until(() => detaches(r) === 1, 'the detach')
  r.host.sizes.delete('/images/data')
  await until(() => r.domains.domains.get(VM)?.view.disks.length === 0, 'out')
  t.notOk(phases.has('Ready'))
})

t.test('a removal that libvirt is slow to notice is not asked for again', async (t) => {
  const r = await rig(t)
  await r.add('data')
  await until(() => r.phase('data') === 'Ready', 'Ready')
  r.domains.nextDetach = async ({ alias }) => {
    setTimeout(() => r.domains.remove(VM, alias), 3_000)
    return { kind: 'done' }
  }
  await r.remove('data')
  await until(() => r.volume('data') === undefined, 'gone')
  t.equal(detaches(r), 1)
})

t.test('a path that led elsewhere for a moment leaves no trace', async (t) => {
  const r = await rig(t)
  r.host.identities.set('/images/data', identityOf('another'))
  await r.add('data')
  await until(() => r.volume('data')?.reason === 'SourceChanged', 'SourceChanged')
  r.host.identities.clear()
  await until(() => r.volume('data')?.reason === 'VolumeReady', 'VolumeReady')
})

t.test('that nothing is left is told at once; the volume is shown a moment longer with its last stages', async (t) => {
  const r = await rig(t)
  await r.add('data')
  await until(() => r.phase('data') === 'Ready', 'Ready')
  const seen: string[] = []
  r.api.watch((_vm, status) => void seen.push(status?.volumes[0] === undefined ? 'none' : `${status.volumes[0].reason} ${status.volumes[0].stages.map(({ name }) => name).join(' ')}`))
  await r.remove('data')
  await until(() => seen.includes('none'), 'gone')
  t.strictSame(seen.slice(-2), ['VolumeReleased detached released', 'none'])
})
