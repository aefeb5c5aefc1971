import t from 'tap'
import { HotplugError } from '../../src/errors.ts'
import { startLab, until } from '../http/lab.ts'
import { pendingVolume, readyVolume, runningVm, VM1 } from '../http/samples.ts'
import { run, start, type Ended, type Running } from './terminal.ts'

const lab = await startLab()
t.teardown(() => lab.close())
const { agent } = lab
const ctl = (...args: string[]): Promise<Ended> => run(args, { HOTPLUGD_SOCKET: lab.socket })
const begin = (...args: string[]): Running => start(args, { HOTPLUGD_SOCKET: lab.socket })
const ADD = ['addvolume', 'vm1', '--volume-name=data', '--source=/dev/vg0/data']
const REMOVE = ['removevolume', 'vm1', '--volume-name=data']
const now = (): string => new Date().toISOString()

t.beforeEach(() => {
  agent.requests.length = 0
  agent.refuseWith = null
  agent.onAdd = () => undefined
  agent.onRemove = () => undefined
  agent.set(runningVm(VM1))
  return until('nobody watches any more', () => agent.watchers === 0)
})

t.test("virtctl's words, and every flag arrives", async t => {
  t.match(await ctl(...ADD), { code: 0, out: 'Successfully submitted add volume request to VM vm1 for volume data\n', err: '' })
  t.match(await ctl(...REMOVE), { code: 0, out: 'Successfully submitted remove volume request to VM vm1 for volume data\n' })
  await ctl(...ADD, '-n', 'lab', '--serial', 'S1', '--persist', '--readonly', '--shareable', '--cache=writeback', '--io=threads', '--format=qcow2', '--dry-run')
  await ctl(...REMOVE, '--persistent', '--dry-run')
  t.match(agent.requests, [
    { verb: 'add', request: { vm: { namespace: 'default', name: 'vm1' }, name: 'data', persist: false, dryRun: false, source: { path: '/dev/vg0/data', format: 'raw' }, disk: { serial: 'data', readonly: false, shareable: false } } },
    { verb: 'remove', request: { name: 'data', persist: false, dryRun: false } },
    { verb: 'add', request: { vm: { namespace: 'lab' }, persist: true, dryRun: true, source: { format: 'qcow2' }, disk: { serial: 'S1', readonly: true, shareable: true, cache: 'writeback', io: 'threads' } } },
    { verb: 'remove', request: { persist: true, dryRun: true } },
  ])
  t.match((await ctl(...ADD, '--dry-run')).out, /^Dry run: .*nothing was changed\n$/)
})

t.test('refusals: cause, reason and remedy on stderr; the exit code tells not found from refused', async t => {
  agent.refuseWith = new HotplugError('SourceInUse', '/dev/vg0/data is in use by default/vm2 as volume x')
  t.match(await ctl(...ADD, '--wait'), { code: 1, out: '', err: 'error: /dev/vg0/data is in use by default/vm2 as volume x (SourceInUse)\n  remedy: Remove it from the VM that holds it, or mark both disks shareable.\n' })
  agent.refuseWith = new HotplugError('VmNotFound', 'no domain vm1')
  t.equal((await ctl(...ADD)).code, 3)
  agent.refuseWith = new HotplugError('VolumeNotFound', 'no volume data')
  t.equal((await ctl(...REMOVE)).code, 3)
  agent.refuseWith = null
  t.match(await ctl(...ADD, '--bus=virtio'), { code: 1, err: /found 'virtio', allowed: scsi \(UnsupportedBus\)\n {2}remedy: Use bus: scsi/ })
  t.match(await ctl(...ADD, '--disk-type=lun'), { code: 1, err: /disk\.lun is not supported.*UnsupportedDisk/ })
  t.match(await ctl('addvolume', 'vm1', '--volume-name=data', '--source=relative'), { code: 2, err: /flag --source: found 'relative', allowed: an absolute path/ })
})

t.test('--wait shows the stages as they pass and ends when the guest has the disk', async t => {
  let at = ''
  agent.onAdd = () => {
    at = now()
    agent.setVolume(VM1, 'data', { ...pendingVolume('data', 'Plugging', at), stages: readyVolume('data', at).stages.slice(0, 1) })
  }
  const waiting = begin(...ADD, '--wait')
  await until('the first stage', () => waiting.out().includes('discovered'))
  t.notMatch(waiting.out(), /attached/)
  agent.setVolume(VM1, 'data', readyVolume('data', at))
  const { code, out, err } = await waiting.ended
  t.same([code, err], [0, ''])
  t.match(out, /submitted add .*\n +discovered +1\.3 ms\n +exposed +0\.1 ms\n +attached +7\.5 ms\n +reported +0\.2 ms\nVolume data is in the guest as sda, serial data \(9\.[01] ms\)\n$/)
})

t.test('--wait is not deceived by an older volume of the same name', async t => {
  agent.setVolume(VM1, 'data', readyVolume('data'))
  const waiting = begin(...ADD, '--wait')
  await until('it watches', () => agent.watchers === 1)
  agent.setVolume(VM1, 'data', { ...readyVolume('data'), phase: 'Detaching', reason: 'Detaching' })
  agent.setVolume(VM1, 'data', null)
  agent.setVolume(VM1, 'data', { ...readyVolume('data'), message: 'once more the old one' })
  t.notMatch(waiting.out(), /in the guest/)
  agent.setVolume(VM1, 'data', { ...readyVolume('data', now()), target: 'sdb' })
  t.match(await waiting.ended, { code: 0, out: /in the guest as sdb/ })
})

t.test('--wait says what is in the way, goes on waiting, and then takes the good end', async t => {
  agent.onAdd = () => agent.setVolume(VM1, 'data', pendingVolume('data', 'SourceMissing', now()))
  const waiting = begin(...ADD, '--wait')
  await until('the trouble', () => waiting.err().includes('SourceMissing'))
  t.match(waiting.err(), /^waiting: volume data: .* does not exist \(SourceMissing\)\n {2}remedy: Create the device/)
  agent.setVolume(VM1, 'data', readyVolume('data', now()))
  t.equal((await waiting.ended).code, 0)
})

t.test('--wait ends with 4 when the time is over, and says where it stands', async t => {
  agent.onAdd = () => agent.setVolume(VM1, 'data', pendingVolume('data', 'SourceMissing', now()))
  t.match(await ctl(...ADD, '--wait', '--timeout=300ms'), { code: 4, err: /error: volume data: not done after 0\.3 s: .*\(SourceMissing\)\n {2}remedy: Create.*The request stands/ })
  agent.onAdd = () => undefined
  agent.setVolume(VM1, 'data', null)
  t.match(await ctl(...ADD, '--wait', '--timeout=100ms'), { code: 4, err: /nothing is known of it yet/ })
})

t.test('--wait ends at once where waiting cannot help', async t => {
  agent.onAdd = () => agent.setVolume(VM1, 'data', pendingVolume('data', 'PersistentDefinitionChanged', now()))
  t.match(await ctl(...ADD, '--wait', '--timeout=10m'), { code: 1, err: /\(PersistentDefinitionChanged\)\n {2}remedy: If it is to be back/ })
})

t.test('removevolume --wait: until it is gone', async t => {
  agent.setVolume(VM1, 'data', readyVolume('data'))
  agent.onRemove = () => agent.setVolume(VM1, 'data', { ...readyVolume('data'), phase: 'Detaching', reason: 'Detaching' })
  const waiting = begin(...REMOVE, '--wait')
  await until('it watches', () => agent.watchers === 1)
  const detaching = { ...readyVolume('data'), phase: 'Detaching', reason: 'StillOpen', message: 'still open', stages: [{ name: 'detached', startedAt: now(), durationMs: 55 }] } as const
  agent.setVolume(VM1, 'data', detaching)
  await until('the stage', () => waiting.out().includes('detached'))
  agent.setVolume(VM1, 'data', null)
  t.match(await waiting.ended, { code: 0, out: /detached +55\.0 ms\nVolume data is out of the guest and released\n$/, err: /waiting: still open \(StillOpen\)/ })

  agent.onRemove = () => undefined
  t.match(await ctl(...REMOVE, '--wait'), { code: 0 }, 'what is gone already is gone')
  agent.setVolume(VM1, 'data', readyVolume('data'))
  agent.onRemove = () => agent.setVolume(VM1, 'data', readyVolume('data', now()))
  t.match(await ctl(...REMOVE, '--wait'), { code: 0 }, 'one that was added again is another')
  agent.onRemove = () => undefined
  agent.setVolume(VM1, 'data', readyVolume('data'))
  t.equal((await ctl(...REMOVE, '--wait', '--timeout=200ms')).code, 4)
})

t.test('--wait outlives a restart of the daemon', async t => {
  const first = await startLab()
  first.agent.set(runningVm(VM1))
  const waiting = start([...ADD, '--wait', '--timeout=60s', '--socket', first.socket])
  await until('it watches', () => first.agent.watchers === 1)
  await first.close()
  const { mkdir, rm } = await import('node:fs/promises')
  await mkdir(first.directory)
  t.teardown(() => rm(first.directory, { recursive: true, force: true }))
  const second = await startLab({ socket: first.socket })
  t.teardown(() => second.close())
  second.agent.set(runningVm(VM1, readyVolume('data', now())))
  t.equal((await waiting.ended).code, 0)
})
