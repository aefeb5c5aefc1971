import t from 'tap'
import { parse } from 'yaml'
import { vmKey } from '../../src/model/ids.ts'
import { startLab, until } from '../http/lab.ts'
import { pendingVolume, readyVolume, runningVm, VM1 } from '../http/samples.ts'
import { run, start, type Ended } from './terminal.ts'

const lab = await startLab()
t.teardown(() => lab.close())
const ctl = (...args: string[]): Promise<Ended> => run([...args, '--socket', lab.socket])

const EVIL = vmKey({ namespace: 'lab', name: 'evil\u001b[2J\u202e' })
lab.agent.set(runningVm(VM1, readyVolume('data'), pendingVolume('lost', 'SourceMissing')))
lab.agent.set({ vm: EVIL, uid: null, state: 'NotFound', volumes: [], problems: [{ reason: 'VmNotFound', message: 'no such domain' }] })

t.test('get vmis: table, wide, json, yaml', async t => {
  for (const word of ['vmis', 'vms']) {
    const { code, out } = await ctl('get', word)
    t.equal(code, 0)
    t.match(out.split('\n')[0], /^NAME +STATUS +DISKS +HOTPLUGGED READY +REASON$/)
    t.match(out.split('\n')[1], /^vm1 +Running +3 +1\/2 +-$/)
  }
  t.match((await ctl('get', 'vmis', '-o', 'wide')).out, /UID +MESSAGE\nvm1 .*1111/)
  const json = JSON.parse((await ctl('get', 'vmis', '-o', 'json')).out)
  t.match(json, { kind: 'VirtualMachineInstanceList', items: [{ kind: 'VirtualMachineInstance', metadata: { name: 'vm1' } }] })
  t.same(parse((await ctl('get', 'vmis', '-o', 'yaml')).out), json)
})

t.test('namespaces, and names that would steer the terminal', async t => {
  const { out } = await ctl('get', 'vmis', '-n', 'lab')
  t.match(out, /evil\\u\{1b\}\[2J\\u\{202e\}/)
  t.notMatch(out, /[\u001b\u202e]/)
  t.match((await ctl('get', 'vmis', '-A')).out, /^NAMESPACE +NAME.*\ndefault +vm1.*\nlab +evil/)
  t.match(await ctl('get', 'vmis', '-n', 'nope'), { code: 3, err: /error: namespace "nope" is not known; known: default, lab \(UnknownNamespace\)\n {2}remedy: / })
  t.match(await ctl('get', 'volumes', '-n', 'lab'), { code: 0, out: '', err: 'no volumes found in namespace lab\n' })
  lab.agent.checks = [{ name: 'libvirt-lab', ok: false, message: 'no connection' }]
  t.match((await ctl('get', 'volumes', '-n', 'lab')).err, /no volumes found in namespace lab\nhotplugd is not ready: libvirt-lab: no connection\n$/)
  lab.agent.checks = []
})

t.test('get volumes: every disk, of all VMs and of one', async t => {
  const { out } = await ctl('get', 'volumes')
  const lines = out.split('\n')
  t.match(lines[0], /^VM +NAME +PHASE +TARGET +SERIAL +SIZE +AGE +REASON$/)
  t.match(lines[1], /^vm1 +data +Ready +sda +data +64Mi +\d+[smhd] +VolumeReady$/)
  t.match(lines[2], /^vm1 +lost +Pending +- +lost +- +\d+[smhd] +SourceMissing$/)
  t.match(lines[3], /^vm1 +vda +- +vda +- +- +- +-$/)
  const starts = lines.slice(0, 4).map(line => line.search(/PHASE|Ready|Pending|(?<=vda +)-/))
  t.equal(new Set(starts).size, 1, 'columns are aligned')
  t.match((await ctl('get', 'volumes', 'vm1')).out, /^NAME +PHASE/)
  t.match((await ctl('get', 'volumes', 'vm1', '-o', 'wide')).out, /SOURCE +ORIGIN +PERSISTED +CONDITIONS +MESSAGE\ndata .*\/dev\/vg0\/data +request +no +SourceReady,Ready +Successfully[^]*!Ready +volume lost: \/dev\/vg0\/lost does not exist/)
  const json = JSON.parse((await ctl('get', 'volumes', 'vm1', '-o=json')).out)
  t.match(json.items[0].status.volumeStatus[0], { name: 'data', target: 'sda', phase: 'Ready', reason: 'VolumeReady', message: /^Success/, conditions: [{ type: 'SourceReady', status: 'True', lastTransitionTime: /Z$/ }], stages: [{ name: 'discovered', startedAt: /Z$/, durationMs: 1.25 }] })
  t.match(await ctl('get', 'volumes', 'vm9'), { code: 3, out: '', err: /^error: there is no domain "vm9" in namespace default \(VmNotFound\)\n {2}remedy: Define the domain/ })
})

t.test('describe: conditions and stages with their times', async t => {
  const { code, out } = await ctl('describe', 'volume', 'vm1', 'data')
  t.equal(code, 0)
  for (const line of [/^Name: +data$/m, /^VM: +default\/vm1$/m, /^Size: +64Mi \(67108864 bytes\)$/m, /^Hot-plugged: +yes$/m, /^ {2}Ready +True +VolumeReady/m, /^ {2}attached +2020-11-22T10:00:00.000Z +7\.5$/m]) t.match(out, line)
  t.match((await ctl('describe', 'volume', 'vm1', 'vda')).out, /Hot-plugged: +no/)
  t.match(JSON.parse((await ctl('describe', 'volume', 'vm1', 'data', '-o', 'json')).out), { kind: 'Volume', name: 'data' })
  t.match(await ctl('describe', 'volume', 'vm1', 'nope'), { code: 3, err: /has no volume "nope"; it has: .*data/ })
})

t.test('explain: cause, remedy, evidence', async t => {
  lab.agent.explanation = {
    vm: VM1, volume: 'lost', summary: 'lost is not in the guest: /dev/vg0/lost does not exist', phase: 'Pending', reason: 'SourceMissing', message: 'no such file',
    remedy: 'Create the device', since: '2020-11-22T10:00:00Z', wanted: 'plugged from /dev/vg0/lost', reached: null, evidence: { path: '/dev/vg0/lost', errno: 'ENOENT' }, next: 'looked up again in 4 s', attempts: 3, besides: [],
  }
  for (const word of ['explain', 'why']) {
    const { code, out } = await ctl(word, 'vm1', 'lost')
    t.equal(code, 0)
    for (const line of [/^lost is not in the guest/, /Reason: +SourceMissing/, /Remedy: +Create the device/, /Next: +looked up again/, /Attempts: +3/, /errno: +ENOENT/]) t.match(out, line)
  }
  t.match(JSON.parse((await ctl('explain', 'vm1', 'lost', '-o', 'json')).out), { kind: 'Explanation', attempts: 3 })
  t.equal((await ctl('explain', 'vm1', 'nope')).code, 3)
  t.match(await ctl('version'), { code: 0, out: /^hotplugctl \d.*\nhotplugd 1\.2\.3\n$/, err: /^warning: they are of different versions/ })
})

t.test('--watch appends a line for what changes, and only for that', async t => {
  const watching = start(['get', 'volumes', 'vm1', '--watch', '--socket', lab.socket])
  t.teardown(() => watching.child.kill('SIGKILL'))
  const lines = (): string[] => watching.out().split('\n').slice(0, -1)
  await until('the table', () => lines().length === 4)
  lab.agent.setVolume(VM1, 'more', readyVolume('more'))
  await until('the new one', () => lines().length === 5)
  lab.agent.setVolume(VM1, 'more', null)
  await until('its end', () => lines().length === 6)
  t.match(lines()[4], /^more +Ready +sda/)
  t.match(lines()[5], /^more +Gone/)
  lab.agent.drop(VM1)
  await until('the end of all', () => lines().length === 9)
  lab.agent.set(runningVm(VM1, readyVolume('data')))
  await until('and a new beginning', () => lines().length === 11)
})

t.test('--watch as JSON: one object a line; a pipe that closes is no error', async t => {
  const watching = start(['get', 'vmis', '-w', '-o', 'json', '--socket', lab.socket])
  t.teardown(() => watching.child.kill('SIGKILL'))
  await until('the first', () => watching.out().includes('\n'))
  t.match(JSON.parse(watching.out().split('\n')[0] ?? ''), { type: 'ADDED', object: { metadata: { name: 'vm1' } } })
  watching.child.stdout?.destroy()
  lab.agent.set(runningVm(VM1))
  t.match(await watching.ended, { code: 0, err: '' })
})

t.test('--watch ends with 5 when the daemon does', async t => {
  const other = await startLab()
  other.agent.set(runningVm(VM1))
  const watching = start(['get', 'vmis', '--watch', '--socket', other.socket])
  await until('the table', () => watching.out().split('\n').length === 3)
  await other.close()
  t.match(await watching.ended, { code: 5, err: /hotplugd closed the connection/ })
})
