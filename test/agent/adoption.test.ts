import t from 'tap'
import type { LiveDisk } from '../../src/model/disk.ts'
import type { VmKey } from '../../src/model/ids.ts'
import { type Rig, rig, until, VM } from './rig.ts'

const OTHER = 'default/vm2' as VmKey

/** The journal of a plugged volume is lost while the agent is away. */
async function forgotten(t: Parameters<typeof rig>[0], over: { readonly persist?: boolean } = {}): Promise<Rig> {
  const r = await rig(t)
  await r.add('data', over)
  await until(() => r.phase('data') === 'Ready' && r.volume('data')?.persisted === (over.persist ?? false), 'Ready')
  await r.crash()
  r.journal.records.clear()
  return r
}

function change(r: Rig, over: Partial<LiveDisk>): void {
  r.domains.setDisks(VM, (r.domains.domains.get(VM)?.view.disks ?? []).map((disk) => ({ ...disk, ...over })))
}

t.test('no other VM gets the source while the disk that has it is being adopted', async (t) => {
  const r = await forgotten(t)
  r.domains.addDomain(OTHER)
  const source = { kind: 'local', path: '/images/data', format: 'raw' } as const
  const disk = { serial: 'S', readonly: false, shareable: false }
  r.manifests.volumes.set('x', { vm: OTHER, name: 'x', source, disk, persist: false, origin: { kind: 'manifest', file: 'b.yaml' }, token: '', vmUid: null })
  await r.start()
  await until(() => r.phase('data') === 'Ready', 'adopted')
  await until(() => r.api.vm({ namespace: 'default', name: 'vm2' })?.volumes[0]?.reason === 'SourceInUse', 'SourceInUse')
  t.same(r.domains.calls, ['attach ua-data sda'])
})

t.test('a disk that the guest has otherwise than wished is not passed off as the volume', async (t) => {
  for (const over of [{ readonly: true }, { shareable: true }, { format: 'qcow2' }]) {
    const r = await forgotten(t)
    change(r, over)
    await r.start()
    await until(() => r.volume('data')?.reason === 'DiskMismatch', 'DiskMismatch')
    t.not(r.phase('data'), 'Ready')
  }
})

t.test('a VM that came up with the persisted disk of an earlier wish gets the present one', async (t) => {
  const r = await forgotten(t, { persist: true })
  r.domains.restart(VM, false)
  r.domains.restart(VM, true)
  const wish = [...r.store.volumes.values()][0]
  if (wish === undefined) throw new Error('no wish')
  await r.store.put({ ...wish, token: 'later', disk: { ...wish.disk, serial: 'NEW' } })
  await r.start()
  await until(() => r.volume('data')?.serial === 'NEW' && r.phase('data') === 'Ready', 'the new disk')
  t.same(r.domains.calls.slice(2, 5), ['unpersist ua-data', 'detach ua-data', 'attach ua-data sda'])
})
