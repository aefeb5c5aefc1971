import t from 'tap'
import { healthOf } from '../../src/page/health.ts'
import { Lines } from '../../src/page/lines.ts'
import { SeenVms, type VmEvent } from '../../src/page/seen-vms.ts'
import { eventWords, newestOf } from '../../src/page/told.ts'
import { viewOf } from '../../src/page/view.ts'
import { explainCommand, shortDuration } from '../../src/page/words.ts'
import { readyVolume } from '../http/samples.ts'
import { AT, movingVolume, NOW_MS, stage, stuckVolume, vmi } from './shown.ts'

t.test('what is stuck comes first, the newest of it above; VMs stay in the order of their names', async t => {
  const older = '2020-11-22T09:00:00.000Z'
  const vmis = [vmi('b', stuckVolume('old', older), stuckVolume('new')), vmi('a', readyVolume('data', older)), vmi('c', movingVolume('m', 'Pending', [stage('discovered')]))]
  const view = viewOf(vmis, '', Date.parse(AT) + 1_000)
  t.same(view.counts, { stuck: 2, moving: 1, waiting: 0, ready: 1 })
  t.same(view.stuck.map(({ key }) => key), ['default/b/new', 'default/b/old'])
  t.same(view.moving.map(({ key }) => key), ['default/c/m'])
  t.same(view.vms.map(({ name }) => name), ['a', 'b', 'c'])
  const [stuck] = view.stuck
  t.match(stuck, { words: 'stuck on its way in', since: AT, reason: 'SourceMissing', cause: 'volume new: /dev/vg0/new does not exist', remedy: /^Create/ })
  t.match(view.vms[0], { ordinary: ['vda'], volumes: [{ disk: 'sda · data · 64Mi' }] })
})

t.test('what has just arrived is still shown as such; what was there before hotplugd is not', async t => {
  const just = Date.now()
  const at = new Date(just - 1_000).toISOString()
  const view = viewOf([vmi('a', readyVolume('seen', at), { ...readyVolume('found', at), stages: [] })], '', just)
  t.same(view.moving.map(({ name }) => name), ['seen'])
  t.same(viewOf([vmi('a', readyVolume('seen', at))], '', just + 60_000).moving, [])
})

t.test('a filter', async t => {
  const vmis = [vmi('db', readyVolume('data'), stuckVolume('wal')), vmi('web', readyVolume('logs'))]
  const names = (filter: string): unknown => viewOf(vmis, filter, NOW_MS).vms.map(({ name, volumes }) => [name, volumes.map(volume => volume.name)])
  t.same(names(' DB '), [['db', ['data', 'wal']]], 'a VM with all its volumes')
  t.same(names('wal'), [['db', ['wal']]])
  t.same(names('sourcemissing'), [['db', ['wal']]], 'by reason')
  t.same(names('/dev/vg0/logs'), [['web', ['logs']]], 'by source')
  t.match(viewOf(vmis, 'nothing such', NOW_MS), { vms: [], stuck: [], hidden: 2, counts: { stuck: 1, ready: 2 } })
})

t.test('VMs of a watch: a new one replaces what was seen only when it has told of all', async t => {
  const seen = new SeenVms()
  const event = (type: VmEvent['type'], name: string): VmEvent => ({ type, object: vmi(name) })
  const names = (): readonly string[] => seen.all.map(({ metadata }) => metadata.name)
  seen.begin()
  for (const name of ['a', 'b', 'c']) seen.take(event('ADDED', name))
  t.equal(seen.isWhole, false)
  seen.take(event('BOOKMARK', ''))
  t.equal(seen.isWhole, true)
  seen.take(event('DELETED', 'b'))
  t.same(names(), ['a', 'c'])
  seen.begin()
  seen.take(event('ADDED', 'c'))
  t.same(names(), ['a', 'c'], 'nothing is forgotten on the way')
  seen.take(event('BOOKMARK', ''))
  t.same(names(), ['c'])
})

t.test('lines, wherever they are cut', async t => {
  const text = '{"a":1}\n{"b":"\\n"}\n\n{"c":3}\n'
  for (let size = 1; size <= text.length; size++) {
    const lines = new Lines()
    const got: string[] = []
    for (let at = 0; at < text.length; at += size) got.push(...lines.take(text.slice(at, at + size)))
    t.same(got, ['{"a":1}', '{"b":"\\n"}', '', '{"c":3}'], `pieces of ${size}`)
  }
})

t.test('what readyz says', async t => {
  const text = '[+]role ok: companion, nothing is changed: a virt-handler\n[-]first-reconcile: 3 volumes are not in order yet\n[+]desired-state ok\n[!]libvirt-lab: away: no such file\nreadyz check failed\n'
  t.same(healthOf(text), { blocking: ['first-reconcile: 3 volumes are not in order yet'], warnings: ['away: no such file'], notes: ['role ok: companion, nothing is changed: a virt-handler'] })
  t.same(healthOf(''), { blocking: [], warnings: [], notes: [] })
})

t.test('words', async t => {
  t.same(['phase none -> Pending', 'phase Detaching -> none', 'attached', 'plug failed'].map(eventWords), ['is now Pending', 'is gone', 'passed attached', 'plug failed'])
  t.same([0.21, 58.3, 3_440, 126_000].map(shortDuration), ['0.2 ms', '58 ms', '3.4 s', '2.1 min'])
  t.equal(explainCommand({ namespace: 'default', vm: 'vm1', name: 'data' }), 'hotplugctl explain vm1 data')
  t.equal(explainCommand({ namespace: 'lab', vm: "it's $(reboot)", name: '-x' }), String.raw`hotplugctl explain -n lab -- 'it'\''s $(reboot)' -x`)
  const entry = { at: AT, volume: 'default/vm1/data', event: 'attached', durationMs: 1, reason: null, message: null }
  const history = [entry, { ...entry, volume: 'default/vm2/x', event: 'plug failed', reason: 'SourceMissing' }]
  t.same(newestOf(history, '').map(({ volume }) => volume), ['default/vm2/x', 'default/vm1/data'])
  t.same(newestOf(history, 'SourceM').length, 1)
})
