import t from 'tap'
import { statusLine } from '../../../src/core/volume/status-line.ts'
import type { Phase, VmStatus, VolumeStatus } from '../../../src/model/status.ts'

const volume = (name: string, phase: Phase | null, reason = 'VolumeReady'): VolumeStatus =>
  ({ name, phase, reason, hotplugged: phase !== null, target: '', serial: null, message: '', conditions: [], stages: [], source: null, sizeBytes: null, origin: null, persisted: false })
const vm = (name: string, ...volumes: VolumeStatus[]): VmStatus => ({ vm: `default/${name}` as VmStatus['vm'], uid: null, state: 'Running', volumes, problems: [] })
const connected = { hypervisor: 'default', read: true, why: 'connected' }

t.test('nothing plugged', async (t) => {
  t.equal(statusLine([], [connected]), 'no volumes; libvirt default connected')
  t.equal(statusLine([vm('a', volume('root', null))], [connected]), 'no volumes; libvirt default connected', 'ordinary disks are not counted')
})

t.test('all in order', async (t) => {
  t.equal(statusLine([vm('a', volume('x', 'Ready'))], [connected]), '1 volume Ready; libvirt default connected')
  t.equal(statusLine([vm('a', volume('x', 'Ready')), vm('b', volume('y', 'Ready'))], [connected]), '2 volumes Ready; libvirt default connected')
})

t.test('libvirt is told of once', async (t) => {
  const away = { hypervisor: 'default', read: false, why: 'Connection refused' }
  t.equal(statusLine([vm('a', volume('x', 'Ready', 'LibvirtUnavailable'))], [away]), '1 volume Ready; libvirt default not connected (Connection refused)')
})

t.test('the first of what is not in order is named', async (t) => {
  const vms = [vm('a', volume('x', 'Ready'), volume('y', 'Pending', 'SourceMissing')), vm('b', volume('z', 'Detaching', 'Detaching'), volume('v', 'Detaching', 'DetachRefused'), volume('w', 'Pending', 'VmNotRunning'))]
  const away = { hypervisor: 'lab', read: false, why: 'Failed to connect socket' }
  t.equal(
    statusLine(vms, [connected, away]),
    '1 volume Ready, 2 Pending (y of default/a: SourceMissing), 2 Detaching (v of default/b: DetachRefused); libvirt default connected; libvirt lab not connected (Failed to connect socket)',
  )
})
