import t from 'tap'
import { FollowedVm } from '../../src/companion/followed-vm.ts'
import { explainFollowed } from '../../src/core/follow/explain-followed.ts'
import type { LiveDisk } from '../../src/model/disk.ts'
import type { VmKey } from '../../src/model/ids.ts'
import type { VolumeStatus } from '../../src/model/status.ts'
import { domainWith, hotplugDisk, moment, observed } from './sightings.ts'

const VM = 'default/vmi1' as VmKey

/** One look: the VMI, and what libvirt and the launcher show meanwhile. */
interface Step {
  readonly vmi: string
  /** Undefined: libvirt does not answer. */
  readonly disks?: readonly LiveDisk[]
  readonly exposed?: readonly string[]
}

function take(vm: FollowedVm, { vmi, disks, exposed }: Step, second: number): void {
  vm.takeVmi(observed(vmi))
  if (disks === undefined) vm.loseView(new Error('libvirt is away'))
  else vm.takeView(domainWith(...disks))
  vm.takeExposed(exposed === undefined ? null : new Set(exposed))
  vm.look(moment(second))
}

/** Shows the steps one after another, a second each, and answers with the volume as it stands then; null once it is gone. */
function follow(volume: string, steps: readonly Step[]): VolumeStatus | null {
  const vm = new FollowedVm(VM)
  let last: VolumeStatus | null = null
  for (const [index, step] of steps.entries()) {
    take(vm, step, index)
    last = vm.volumes.get(volume)?.status ?? null
  }
  return last
}

const passed = (status: VolumeStatus | null): unknown => status?.stages.map(({ name, durationMs }) => [name, durationMs])
const conditions = (status: VolumeStatus | null): unknown => Object.fromEntries((status?.conditions ?? []).map(({ type, status: value }) => [type, value]))

const ADD_B1 = ['01-noentry', '02-Bound', '03-AttachedToNode', '04-AttachedToNode', '05-MountedToPod', '06-Ready'].map((name) => `vmi-add-b1-${name}`)
const ADD_F1 = ['01-noentry', '02-AttachedToNode', '03-AttachedToNode', '04-MountedToPod', '05-Ready'].map((name) => `vmi-add-f1-${name}`)
const REMOVE_B1 = ['01-Ready', '02-UnMountedFromPod', '03-Detaching', '04-Detaching', '05-noentry'].map((name) => `vmi-remove-b1-${name}`)
const REMOVE_F1 = ['01-Ready', '02-UnMountedFromPod', '03-Detaching', '04-noentry'].map((name) => `vmi-remove-f1-${name}`)

t.test('b1 goes in, by its status alone', async (t) => {
  const status = follow('b1', ADD_B1.map((vmi) => ({ vmi })))
  t.same(passed(status), [['podReady', 2_000], ['discovered', 1_000], ['exposed', 1_000], ['attached', 1_000], ['reported', 0]])
  t.match(status, { phase: 'Ready', reason: 'VolumeReady', target: 'sda', serial: 'b1', source: 'claim b1', origin: 'vmi', hotplugged: true })
  t.same(conditions(status), { SourceReady: 'True', Exposed: 'True', Attached: 'Unknown', Ready: 'Unknown' }, 'libvirt was never seen')
})

t.test('b1 goes in, before libvirt’s and the launcher’s eyes', async (t) => {
  const steps = ADD_B1.map((vmi, index): Step => ({ vmi, disks: index < 5 ? [] : [hotplugDisk('b1')], exposed: index < 4 ? [] : ['b1'] }))
  const seen = [...steps.slice(0, 5), { vmi: ADD_B1[4] ?? '', disks: [hotplugDisk('b1')], exposed: ['b1'] }, ...steps.slice(5)]
  const status = follow('b1', seen)
  t.same(passed(status), [['podReady', 2_000], ['discovered', 1_000], ['exposed', 1_000], ['attached', 1_000], ['reported', 1_000]])
  t.same(conditions(status), { SourceReady: 'True', Exposed: 'True', Attached: 'True', Ready: 'True' })
  t.same(status?.stages.map(({ startedAt }) => startedAt), [0, 2, 3, 4, 5].map((second) => moment(second).iso))
})

t.test('f1 goes in beside b1, which stays as it is', async (t) => {
  const vm = new FollowedVm(VM)
  for (const [index, vmi] of [...ADD_B1, ...ADD_F1].entries()) take(vm, { vmi }, index)
  const [b1, f1] = [vm.volumes.get('b1')?.status ?? null, vm.volumes.get('f1')?.status ?? null]
  t.same(passed(f1), [['podReady', 1_000], ['discovered', 1_000], ['exposed', 1_000], ['attached', 1_000], ['reported', 0]])
  t.match(f1, { phase: 'Ready', target: 'sdb' })
  t.match(b1, { phase: 'Ready', target: 'sda' })
  t.same(passed(b1), [['podReady', 2_000], ['discovered', 1_000], ['exposed', 1_000], ['attached', 1_000], ['reported', 0]], 'its replaced pod takes no stage back')
})

t.test('b1 and f1 go out, and nothing of them is left', async (t) => {
  const b1 = follow('b1', [{ vmi: ADD_F1.at(-1) ?? '' }, ...REMOVE_B1.slice(0, 4).map((vmi) => ({ vmi }))])
  t.same(passed(b1), [['detached', 1_000], ['released', 0], ['reported', 0]])
  t.match(b1, { phase: 'Detaching' })
  t.equal(follow('b1', [ADD_F1.at(-1) ?? '', ...REMOVE_B1].map((vmi) => ({ vmi, disks: [] }))), null)
  t.match(follow('f1', [ADD_F1.at(-1) ?? '', ...REMOVE_B1].map((vmi) => ({ vmi, disks: [hotplugDisk('f1')] }))), { phase: 'Ready' })
  t.equal(follow('f1', [...REMOVE_F1].map((vmi) => ({ vmi, disks: [] }))), null)
})

t.test('b1 goes out stage by stage before libvirt’s and the launcher’s eyes', async (t) => {
  const [ready, unmounted] = [REMOVE_B1[0] ?? '', REMOVE_B1[1] ?? '']
  const status = follow('b1', [
    { vmi: ADD_F1.at(-1) ?? '', disks: [hotplugDisk('b1')], exposed: ['b1', 'f1'] },
    { vmi: ready, disks: [hotplugDisk('b1')], exposed: ['b1', 'f1'] },
    { vmi: ready, disks: [], exposed: ['b1', 'f1'] },
    { vmi: ready, disks: [], exposed: ['f1'] },
    { vmi: unmounted, disks: [], exposed: ['f1'] },
  ])
  t.same(passed(status), [['detached', 1_000], ['released', 1_000], ['reported', 1_000]])
  t.same(conditions(status), { SourceReady: 'False', Exposed: 'False', Attached: 'False', Ready: 'False' })
})

t.test('what was there before hotplugd came has passed its stages unseen', async (t) => {
  const vm = new FollowedVm(VM)
  take(vm, { vmi: ADD_B1.at(-1) ?? '', disks: [hotplugDisk('b1')] }, 0)
  const volume = vm.volumes.get('b1')
  t.match(volume?.status, { phase: 'Ready', stages: [] })
  t.equal(volume && explainFollowed({ vm: VM, status: volume.status, facts: volume.facts, way: volume.way }).reached, 'reported')
})

t.test('the VM’s ordinary disks are listed beside, by what libvirt tells', async (t) => {
  const vm = new FollowedVm(VM)
  take(vm, { vmi: ADD_B1.at(-1) ?? '', disks: [hotplugDisk('root', { target: 'vda', bus: 'virtio', source: '/dev/root' }), hotplugDisk('b1')] }, 0)
  t.same(vm.status().volumes.map(({ name, target, hotplugged }) => [name, target, hotplugged]), [['b1', 'sda', true], ['root', 'vda', false]])
})

t.test('the sample with a bad volume: who is to blame, and who waits for whom', async (t) => {
  const vm = new FollowedVm(VM)
  take(vm, { vmi: 'vmi-with-bad-volume', disks: [], exposed: ['b2'] }, 0)
  const explained = (name: string) => {
    const volume = vm.volumes.get(name)
    return volume && explainFollowed({ vm: VM, status: volume.status, facts: volume.facts, way: volume.way })
  }
  t.match(explained('bad'), { reason: 'ImageIsDirectory', message: 'disk.img in the claim is a directory', reached: 'discovered', remedy: /regular image file named disk\.img/ })
  for (const name of ['b2', 'f2', 'f3']) t.match(explained(name), { reason: 'HeldUpByAnother', message: 'volume bad holds it up: disk.img in the claim is a directory' }, name)
  t.equal(explained('b2')?.reached, 'exposed')
  t.match(vm.status().problems, [{ reason: 'KubeVirtReports', message: /^failed to mount filesystem hotplug volume bad: .* not a directory$/ }])
  t.notMatch(JSON.stringify(explained('bad')), /Usage:|Flags:/, 'without the tool’s usage page')
})
