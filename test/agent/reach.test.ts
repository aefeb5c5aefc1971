import t from 'tap'
import { HotplugError } from '../../src/errors.ts'
import type { VmKey } from '../../src/model/ids.ts'
import { rig, type Rig, until, VM } from './rig.ts'

const FAR = 'far/vm9' as VmKey

/** A second libvirt, within reach at the start. */
function twoLibvirts(r: Rig): void {
  const { domains } = r
  domains.addDomain(FAR)
  Object.assign(domains, { namespaces: () => ['default', 'far'], list: async (namespace: string) => (namespace === 'far' ? [FAR] : [VM]) })
  const start = domains.start.bind(domains)
  domains.start = (listener) => {
    start(listener)
    setImmediate(() => listener.onConnection('far', true, 'connected'))
  }
}

t.test('a libvirt that comes back and does not answer keeps only its own VMs waiting', async (t) => {
  const r = await rig(t, twoLibvirts)
  Object.assign(r.domains, { list: () => new Promise(() => {}) })
  r.domains.listener?.onConnection('far', false, 'gone')
  r.domains.listener?.onConnection('far', true, 'connected')
  r.domains.listener?.onDomain(VM, 'rebooted')
  await new Promise((resolve) => setTimeout(resolve, 20))
  await r.add('data')
  await until(() => r.phase('data') === 'Ready', 'Ready')
})

t.test('what was known of a VM before its libvirt was lost is not believed when it cannot be read again', async (t) => {
  const r = await rig(t)
  await r.add('data')
  await until(() => r.phase('data') === 'Ready', 'Ready')
  const observe = r.domains.observe
  r.domains.observe = async () => Promise.reject(new HotplugError('LibvirtUnavailable', 'no answer'))
  r.domains.listener?.onConnection('default', false, 'gone')
  r.domains.listener?.onConnection('default', true, 'connected')
  await until(() => r.agent.inventory.connections().every(({ read }) => read), 'the reading of all')
  t.equal(r.api.vm({ namespace: 'default', name: 'vm1' })?.state, 'Unknown')
  r.domains.observe = observe
  await until(() => r.api.vm({ namespace: 'default', name: 'vm1' })?.state === 'Running', 'read again')
})

t.test('a VM that could not be read at first is listed, and what it holds is known, once it can be', async (t) => {
  const other = 'default/vm2' as VmKey
  const plain = { bus: 'virtio', device: 'disk', sourceType: 'file', format: 'raw', serial: null, alias: null, address: null, backing: [] }
  const r = await rig(t, ({ domains }) => {
    domains.addDomain(other, { disks: [{ ...plain, target: 'vda', source: '/images/theirs', readonly: false, shareable: false }] })
    const observe = domains.observe
    domains.observe = async (vm) => {
      if (vm !== other) return observe(vm)
      domains.observe = observe
      throw new HotplugError('LibvirtUnavailable', 'no answer')
    }
  })
  await until(() => r.api.vms().length === 2, 'both')
  await t.rejects(r.add('data', { path: '/images/theirs' }), { reason: 'SourceInUse' } as never)
  r.domains.domains.delete(other)
  r.domains.listener?.onDomain(other, 'stopped')
  await until(() => r.api.vms().length === 1, 'one')
  await r.add('data', { path: '/images/theirs' })
})
