import t from 'tap'
import { FollowedVm } from '../../src/companion/followed-vm.ts'
import { explainFollowed } from '../../src/core/follow/explain-followed.ts'
import { REASONS } from '../../src/errors.ts'
import type { VmKey } from '../../src/model/ids.ts'
import { PLUG_STAGES, UNPLUG_STAGES } from '../../src/model/status.ts'
import { domainWith, hotplugDisk, moment, observed } from './sightings.ts'

const VM = 'default/vmi1' as VmKey
const ROUNDS = 400
const STEPS = 25

/** Numbers that look random and are the same in each run. */
function dice(seed: number): (sides: number) => number {
  let state = seed
  return (sides) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * sides)
  }
}

const PHASES = ['', 'Pending', 'Bound', 'AttachedToNode', 'MountedToPod', 'Ready', 'UnMountedFromPod', 'Detaching', 'Unheard']
const WORDS = ['', 'failed to mount filesystem hotplug volume b1: not a directory', 'failed to mount block hotplug volume b2: boom', 'nonsense']

function anyVmi(roll: (sides: number) => number) {
  const names = ['b1', 'b2', 'c3']
  const volumes = names.filter(() => roll(3) > 0).map((name) => ({ name, persistentVolumeClaim: { claimName: name, hotpluggable: roll(5) > 0 } }))
  const entries = names.filter(() => roll(3) > 0).map((name) => ({ name, target: roll(2) ? 'sda' : '', phase: PHASES[roll(PHASES.length)], ...(roll(6) > 0 && { hotplugVolume: roll(2) ? {} : { attachPodName: 'hp-volume-4v4jp', ...(roll(2) && { attachPodUID: '061ea86c-9163-4a7c-a2c9-313bd1b83940' }) } }) }))
  const message = WORDS[roll(WORDS.length)]
  return observed('vmi-add-b1-01-noentry', {
    'metadata.uid': roll(12) === 0 ? `uid${roll(3)}` : '58ddcc95-9821-4aa2-a713-b372aae708f9',
    'spec.volumes': volumes,
    'spec.domain.devices.disks': volumes.map(({ name }) => ({ name, serial: roll(8) === 0 ? 'x'.repeat(40) : name, disk: {} })),
    'status.volumeStatus': entries,
    'status.conditions': message === '' ? [] : [{ type: 'Synchronized', status: 'False', reason: 'r', message }],
  })
}

t.test('whatever comes in whatever order: stages in order, Ready only with a disk, every reason has a remedy', async (t) => {
  for (let round = 0; round < ROUNDS; round++) {
    const roll = dice(round)
    const vm = new FollowedVm(VM)
    for (let step = 0; step < STEPS; step++) {
      vm.takeVmi(roll(15) === 0 ? null : anyVmi(roll))
      if (roll(6) === 0) vm.loseView(new Error('away'))
      else vm.takeView(roll(8) === 0 ? null : domainWith(...['b1', 'b2'].filter(() => roll(2)).map((name) => hotplugDisk(name))))
      vm.takeExposed(roll(4) === 0 ? null : new Set(['b1', 'c3'].filter(() => roll(2))))
      vm.look(moment(step))
      const wrong = faultIn(vm)
      if (wrong !== null) return t.fail(`round ${round}, step ${step}: ${wrong}`)
    }
  }
  t.pass('nothing was wrong')
})

function faultIn(vm: FollowedVm): string | null {
  if (vm.vmi === null && vm.volumes.size > 0) return 'volumes of a VM that is gone'
  for (const { status, facts, way } of vm.volumes.values()) {
    const order: readonly string[] = facts.spec === null ? UNPLUG_STAGES : PLUG_STAGES
    const places = status.stages.map(({ name }) => order.indexOf(name))
    if (places.some((place, index) => place === -1 || place <= (places[index - 1] ?? -1))) return `stages ${JSON.stringify(status.stages)} of a way ${way.direction}`
    if (status.stages.some(({ durationMs }) => durationMs < 0)) return 'a stage that ended before it began'
    if (status.phase === 'Ready' && facts.disk === null) return 'Ready without a disk'
    const ready = status.conditions.find(({ type }) => type === 'Ready')?.status
    if (ready === 'True' && !facts.disk) return 'condition Ready without a disk'
    if (!(status.reason in REASONS)) return `reason ${status.reason}`
    if (!explainFollowed({ vm: VM, status, facts, way }).remedy) return 'no remedy'
  }
  return null
}
