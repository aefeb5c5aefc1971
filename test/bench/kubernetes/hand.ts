import type { Attachment, Storage } from '../../system/kubernetes/scene.ts'
import { monotonicMs, nextWallTick } from '../clocks.ts'
import { type Plug, plugOf } from '../subject.ts'
import { type Stage, VM } from './stage.ts'

/** One volume's way in; all times from the UID's appearance in the VMI on. */
export interface WayIn extends Plug {
  /** → `phase: Ready` was to be seen in the VMI. */
  readonly readyMs: number
}

/** One volume's way out; times from the spec's change on. */
export interface WayOut {
  /** → no disk of it in the domain, as libvirt told another client. */
  readonly goneMs: number
  /** → `phase: UnMountedFromPod` was to be seen in the VMI. */
  readonly toldMs: number
}

/**
 * What virt-controller does up to the UID of the attachment pod, which is the agent's signal. The pod runs all the time.
 * The beginning is when the API server answered the write, or when the second watch had it, whichever was earlier.
 */
export async function plugMany(stage: Stage, storages: readonly Storage[], { object }: Attachment): Promise<WayIn[]> {
  const { vm, subject, witness } = stage
  const { name: podName, uid } = object.metadata
  await vm.controller.plug(...storages.map(({ name }) => ({ name })))
  for (const { name, mode } of storages) await vm.controller.attachedToNode(name, { name: podName }, { name, mode })
  await subject.idle()
  const named = witness.sees(VM, ({ status }) => storages.every(({ name }) => status?.volumeStatus.find((entry) => entry.name === name)?.hotplugVolume?.attachPodUID === uid))
  const ready = storages.map(({ name }) => witness.seesEntry(VM, name, (entry) => entry?.phase === 'Ready'))
  const tick = nextWallTick()
  const answered = vm.controller.ready({ name: podName, uid }).then(monotonicMs)
  const sentMs = await Promise.race([answered, named])
  const readyMs = await Promise.all(ready)
  await answered
  const entries = await Promise.all(storages.map(({ name }) => subject.ready(VM, name)))
  await subject.idle()
  return entries.map((entry, i) => ({ ...plugOf(entry, tick, sentMs), readyMs: (readyMs[i] ?? NaN) - sentMs }))
}

/** The spec loses them, and once all are told to be out their entries go, too. */
export async function unplugMany({ vm, subject, witness, removals }: Stage, storages: readonly Storage[]): Promise<WayOut[]> {
  const names = storages.map(({ name }) => name)
  const asked = witness.sees(VM, ({ spec }) => !spec.volumes.some((volume) => names.includes((volume as { name: string }).name)))
  const gone = names.map((name) => removals.gone(name))
  const told = names.map((name) => witness.seesEntry(VM, name, (entry) => entry?.phase === 'UnMountedFromPod'))
  const answered = vm.controller.unplug(...names).then(monotonicMs)
  const sentMs = await Promise.race([answered, asked])
  const [goneMs, toldMs] = [await Promise.all(gone), await Promise.all(told)]
  await answered
  for (const name of names) await vm.controller.drop(name)
  for (const name of names) await subject.gone(VM, name)
  await subject.idle()
  return names.map((_, i) => ({ toldMs: (toldMs[i] ?? NaN) - sentMs, goneMs: (goneMs[i] ?? NaN) - sentMs }))
}
