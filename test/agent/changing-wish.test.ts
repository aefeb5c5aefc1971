import t from 'tap'
import { rig, until, VM } from './rig.ts'

/** Sources whose look-up ends when the test says so. */
async function slowLookUp(t: Parameters<typeof rig>[0]) {
  let look: () => void = () => {}
  const r = await rig(t, ({ host }) => {
    const ports = host.ports()
    host.ports = () => ({
      ...ports,
      sources: {
        ...ports.sources,
        resolve: async (source) => {
          if (source.kind === 'local' && source.path === '/images/slow') await new Promise<void>((resolve) => (look = resolve))
          return ports.sources.resolve(source)
        },
      },
    })
  })
  return { r, answer: () => look() }
}

function wish(path: string, serial: string) {
  const disk = { serial, readonly: false, shareable: false }
  const source = { kind: 'local', path, format: 'raw' } as const
  return { vm: VM, name: 'data', source, disk, persist: false, origin: { kind: 'manifest', file: 'a.yaml' }, token: '', vmUid: null } as const
}

t.test('a wish that is changed while its source is looked up: no mixture of the two is plugged', async (t) => {
  const { r, answer } = await slowLookUp(t)
  r.host.sizes.set('/images/slow', 4096)
  r.host.sizes.set('/images/new', 4096)
  await r.manifests.put(wish('/images/slow', 'OLD'))
  await until(() => r.api.state().operations.length > 0, 'the plug')
  await r.manifests.put(wish('/images/new', 'NEW'))
  answer()
  await until(() => r.phase('data') === 'Ready' && r.api.state().operations.length === 0, 'Ready')
  const disks = r.domains.domains.get(VM)?.view.disks.map(({ source, serial }) => `${source} ${serial}`)
  t.same(disks, ['/images/new NEW'])
})

t.test('a source that a request looked up is not taken for what a manifest names', async (t) => {
  const r = await rig(t)
  r.host.sizes.set('/images/new', 4096)
  r.store.put = async () => Promise.reject(new Error('disk full'))
  await t.rejects(r.add('data', { path: '/images/other' }))
  await r.manifests.put(wish('/images/new', 'NEW'))
  await until(() => r.phase('data') === 'Ready', 'Ready')
  t.equal(r.volume('data')?.source, '/images/new')
  t.same(r.domains.domains.get(VM)?.view.disks.map(({ source }) => source), ['/images/new'])
})

t.test('a new wish is not Ready while the guest has the disk of the old one', async (t) => {
  const r = await rig(t)
  r.host.sizes.set('/images/data', 4096)
  await r.manifests.put(wish('/images/data', 'OLD'))
  await until(() => r.phase('data') === 'Ready', 'Ready')
  r.domains.nextDetach = async () => ({ kind: 'refused', code: 'VIR_ERR_OPERATION_TIMEOUT', message: 'busy' })
  await r.manifests.put(wish('/images/data', 'NEW'))
  await until(() => r.volume('data')?.reason === 'DetachRefused', 'DetachRefused')
  t.equal(r.phase('data'), 'Detaching')
  await until(() => r.phase('data') === 'Ready', 'Ready again')
  t.equal(r.volume('data')?.serial, 'NEW')
})

t.test('a domain that took the name of another while the source was looked up gets nothing', async (t) => {
  const { r, answer } = await slowLookUp(t)
  r.host.sizes.set('/images/slow', 4096)
  await r.store.put({ ...wish('/images/slow', 'S'), origin: { kind: 'request' }, vmUid: `uuid-${VM}` })
  await until(() => r.api.state().operations.length > 0, 'the plug')
  r.domains.addDomain(VM, { uuid: 'another' })
  r.domains.listener?.onDomain(VM, 'started')
  await until(() => r.agent.world.find(VM)?.view?.uuid === 'another', 'the other domain')
  answer()
  await until(() => r.volume('data')?.reason === 'VmReplaced', 'VmReplaced')
  t.same(r.domains.calls, [])
})
