import t from 'tap'
import { rig, REF, until, VM } from './rig.ts'

t.test('a source that does not answer is told as such, and can be given up', async (t) => {
  const r = await rig(t, ({ host }) => {
    const ports = host.ports()
    host.ports = () => ({ ...ports, sources: { ...ports.sources, resolve: () => new Promise(() => {}) } })
  })
  const source = { kind: 'local', path: '/dead/disk.img', format: 'raw' } as const
  const disk = { serial: 'data', readonly: false, shareable: false }
  let asked: unknown = null
  void r.api.addVolume({ vm: REF, name: 'asked', source: { ...source, path: '/dead/other.img' }, disk, persist: false, dryRun: false }).catch((error: unknown) => (asked = error))
  await r.manifests.put({ vm: VM, name: 'data', source, disk, persist: false, origin: { kind: 'manifest', file: 'a.yaml' }, token: '', vmUid: null })
  await until(() => r.volume('data')?.reason === 'SourceUnreadable', 'SourceUnreadable')
  await until(() => asked !== null, 'the answer')
  t.match(asked, { reason: 'SourceUnreadable' })
  await r.manifests.remove({ vm: VM, volume: 'data' })
  await until(() => r.volume('data') === undefined, 'given up')
})
