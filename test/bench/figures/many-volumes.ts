import { startPausedDomain } from '../../support/lab.ts'
import { type Bench, type Measurement, type Setting, setUp } from '../setting.ts'
import type { Figure } from '../figure.ts'
import type { Scope } from '../scope.ts'
import { makeImages, planOf } from '../sources.ts'
import { crowd, type Crowd, plugByAgent, plugByYardstick, unplugByAgent, unplugByYardstick } from './crowd.ts'
import { fullVmFigures, type FullVmRound, manyVmsFigure, type WallTimes } from './many-volumes-figures.ts'

const FULL_VM = 'full'
const FULL_VM_VOLUMES = 255
const FULL_VM_MEMORY_MIB = 512
const VMS = 20
const VOLUMES_EACH = 8

/** F4 and F5: many volumes at once, in and out. */
export const manyVolumes: Measurement = { ids: ['F4', 'F5'], title: '255 volumes of one VM, and 8 of each of 20 VMs, in and out', measure }

async function measure(bench: Bench, scope: Scope): Promise<readonly Figure[]> {
  const setting = await setUp(bench, scope)
  const images = await makeImages(scope, FULL_VM_VOLUMES)
  await startPausedDomain(setting.host, { name: FULL_VM, memoryMiB: FULL_VM_MEMORY_MIB })
  const full = await alternate(bench, 'F4/F5, 255 in one VM', (agentFirst) => fullVmRound(setting, crowdOf([FULL_VM], FULL_VM_VOLUMES, images), agentFirst))
  if (!bench.wanted.has('F4')) return fullVmFigures(full, bench.wanted)
  const vms = Array.from({ length: VMS }, (_, i) => `vm${i + 1}`)
  for (const name of vms) await startPausedDomain(setting.host, { name })
  const many = await alternate(bench, 'F4, 8 in each of 20 VMs', (agentFirst) => manyVmsRound(setting, crowdOf(vms, VOLUMES_EACH, images), agentFirst))
  return [...fullVmFigures(full, bench.wanted), manyVmsFigure(many)]
}

/** Several rounds, the agent first in every other one. The first warms up and is not counted. */
async function alternate<T>(bench: Bench, what: string, round: (agentFirst: boolean) => Promise<T>): Promise<T[]> {
  const rounds = bench.quick ? 2 : 6
  const results: T[] = []
  for (let i = 0; i < rounds; i++) {
    results.push(await round(i % 2 === 0))
    bench.progress.step(what, i + 1, rounds)
  }
  return results.slice(1)
}

function crowdOf(vms: readonly string[], volumesEach: number, images: Awaited<ReturnType<typeof makeImages>>): Crowd {
  return crowd(vms, volumesEach, (vm, volume) => {
    const source = images[vm * volumesEach + volume]
    if (source === undefined) throw new Error('there are not enough images')
    return planOf(`v${volume}`, volume, source)
  })
}

async function fullVmRound(setting: Setting, all: Crowd, agentFirst: boolean): Promise<FullVmRound> {
  const byAgent = async () => ({ in: await plugByAgent(setting, all), outMs: await unplugByAgent(setting, all) })
  const byYardstick = () => setting.subject.aside(async () => ({ in: await plugByYardstick(setting, all), outMs: await unplugByYardstick(setting, all) }))
  const [agent, yardstick] = await inOrder(agentFirst, byAgent, byYardstick)
  return { agent, yardstick }
}

async function manyVmsRound(setting: Setting, all: Crowd, agentFirst: boolean): Promise<WallTimes> {
  const byAgent = async () => {
    const { wallMs } = await plugByAgent(setting, all)
    await unplugByAgent(setting, all)
    return wallMs
  }
  const byYardstick = () =>
    setting.subject.aside(async () => {
      const { wallMs } = await plugByYardstick(setting, all)
      await unplugByYardstick(setting, all)
      return wallMs
    })
  const [agentMs, yardstickMs] = await inOrder(agentFirst, byAgent, byYardstick)
  return { agentMs, yardstickMs }
}

async function inOrder<A, B>(firstFirst: boolean, a: () => Promise<A>, b: () => Promise<B>): Promise<[A, B]> {
  if (firstFirst) return [await a(), await b()]
  const second = await b()
  return [await a(), second]
}
