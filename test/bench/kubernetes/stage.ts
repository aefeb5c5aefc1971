import type { DiskPlan } from '../../../src/model/disk.ts'
import { KubernetesScene, type SceneVm, type Storage } from '../../system/kubernetes/scene.ts'
import type { Scope } from '../scope.ts'
import type { Bench } from '../setting.ts'
import { Subject } from '../subject.ts'
import { startYardstick, type Yardstick } from '../yardstick.ts'
import { type Kind, layOut, makeOwnDevices } from './own-disks.ts'
import { Removals } from './removals.ts'
import { Witness } from './witness.ts'

export const VM = 'vm1'
export const DOMAIN = `default_${VM}`

/** A real API server, a launcher with a real libvirt, the agent and the yardstick beside each other, and a second watch. */
export interface Stage {
  readonly scene: KubernetesScene
  readonly vm: SceneVm
  readonly subject: Subject
  readonly yardstick: Yardstick
  readonly witness: Witness
  readonly removals: Removals
  /** The yardstick's own. */
  readonly plans: Readonly<Record<Kind, readonly DiskPlan[]>>
}

export interface StageOptions {
  /** So many disks of each kind for the yardstick. @default 1 */
  readonly disks?: number
  /** For the agent. */
  readonly env?: Readonly<Record<string, string>>
}

export async function setUpStage({ yardstickProgram }: Bench, scope: Scope, { disks = 1, env = {} }: StageOptions = {}): Promise<Stage> {
  const scene = await KubernetesScene.start(scope)
  const own = await makeOwnDevices(scope, disks)
  const vm = await scene.startVm(VM, [], own)
  await vm.launcher.host.virsh('suspend', DOMAIN) // it takes hotplug all the same, and leaves the machine alone
  const yardstick = startYardstick(scope, yardstickProgram, vm.launcher.host.uri)
  const removals = Removals.start(vm.launcher.host.uri, DOMAIN, scope)
  const plans = await layOut(vm, own)
  const subject = await startAgent(scene, env)
  return { scene, vm, subject, yardstick, removals, plans, witness: await Witness.start(scene.server, scope) }
}

/** Its default log level. */
export const AGENT_FLAGS = ['--log-level', 'info']

export async function startAgent(scene: KubernetesScene, env: Readonly<Record<string, string>> = {}): Promise<Subject> {
  return new Subject(await scene.startAgent({ flags: AGENT_FLAGS, env }))
}

export function makeStorages({ scene }: Pick<Stage, 'scene'>, kind: Kind, names: readonly string[]): Promise<Storage[]> {
  return Promise.all(names.map((name) => (kind === 'block' ? scene.block(name) : scene.image(name))))
}
