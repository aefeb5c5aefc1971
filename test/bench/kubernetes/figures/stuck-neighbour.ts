import { type Figure } from '../../figure.ts'
import { neighbourFigures, type Samples, samples } from '../../figures/stuck-neighbour.ts'
import type { Attachment, SceneVm, Storage } from '../../../system/kubernetes/scene.ts'
import { loopDelayP99Ms, WATCHED } from '../../loop-delay.ts'
import type { Scope } from '../../scope.ts'
import type { Bench, Measurement } from '../../setting.ts'
import { plugMany, unplugMany } from '../hand.ts'
import { makeStorages, setUpStage, type Stage } from '../stage.ts'

const BLOCKS = 10
const STUCK = 'stuck'

/** F7: what a launcher whose libvirt is stopped costs another VM. */
export const stuckNeighbour: Measurement = { ids: ['F7'], title: "one launcher's libvirt stopped, the other's volumes go on", measure }

interface Ward {
  readonly stage: Stage
  readonly served: readonly Storage[]
  readonly attachment: Attachment
  readonly stuckVm: SceneVm
  readonly stuckStorage: Storage
  readonly perBlock: number
}

async function measure(bench: Bench, scope: Scope): Promise<readonly Figure[]> {
  const stage = await setUpStage(bench, scope, { env: WATCHED })
  const stuckVm = await stage.scene.startVm(STUCK)
  await stuckVm.launcher.host.virsh('suspend', `default_${STUCK}`)
  scope.teardown(() => stuckVm.launcher.host.signal('SIGCONT'))
  const served = [...(await makeStorages(stage, 'block', ['data'])), ...(await makeStorages(stage, 'image', ['files']))]
  const attachment = await stage.scene.attach(stage.vm, served)
  const ward = { stage, served, attachment, stuckVm, stuckStorage: await stage.scene.image('waits'), perBlock: bench.quick ? 4 : 30 }
  const [first, stopped, second] = [samples(), samples(), samples()]
  await serve(ward, samples())
  for (let block = 0; block < BLOCKS; block++) {
    await serve(ward, first)
    await whileStopped(ward, () => serve(ward, stopped))
    await serve(ward, second)
    bench.progress.step('F7', block + 1, BLOCKS)
  }
  return neighbourFigures(first, stopped, second, ['watch event → attach returned', 'spec → disk gone from domain'])
}

/** A plug for the stopped libvirt is under way meanwhile; afterwards everything there is put in order again. */
async function whileStopped({ stage: { scene, subject }, stuckVm, stuckStorage }: Ward, act: () => Promise<void>): Promise<void> {
  const { name } = stuckStorage
  stuckVm.launcher.host.signal('SIGSTOP')
  try {
    const attachment = await scene.plug(stuckVm, [stuckStorage])
    await act()
    stuckVm.launcher.host.signal('SIGCONT')
    await scene.phase(stuckVm, name, 'Ready')
    await stuckVm.controller.unplug(name)
    await scene.phase(stuckVm, name, 'UnMountedFromPod')
    await scene.detach(attachment)
    await stuckVm.controller.drop(name)
  } finally {
    stuckVm.launcher.host.signal('SIGCONT')
  }
  await subject.gone(STUCK, name)
  await subject.idle()
}

async function serve({ stage, served, attachment, perBlock }: Ward, into: Samples): Promise<void> {
  await loopDelayP99Ms(stage.subject) // begins a new window
  for (let i = 0; i < perBlock; i++) {
    const storages = served.slice(i % served.length, (i % served.length) + 1)
    into.plugMs.push(...(await plugMany(stage, storages, attachment)).map(({ requestMs }) => requestMs))
    into.unplugMs.push(...(await unplugMany(stage, storages)).map(({ goneMs }) => goneMs))
  }
  into.lagMs.push(await loopDelayP99Ms(stage.subject))
}
