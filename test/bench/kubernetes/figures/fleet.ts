import { setTimeout as sleep } from 'node:timers/promises'
import type { Verb } from '../../../../src/core/volume/decide.ts'
import type { Daemon } from '../../../support/daemon.ts'
import { until } from '../../../support/lab.ts'
import { KubernetesScene, type SceneVm } from '../../../system/kubernetes/scene.ts'
import { bareNodeRssMiB, nodeStartMs, settledRssMiB } from '../../bare-node.ts'
import { monotonicMs } from '../../clocks.ts'
import { boundFigure, type Figure } from '../../figure.ts'
import { fleetFigures, type Restart } from '../../figures/fleet-figures.ts'
import { sumOf } from '../../metrics.ts'
import { childTraces, cpuMs } from '../../process-facts.ts'
import type { Scope } from '../../scope.ts'
import type { Bench, Measurement } from '../../setting.ts'
import { Subject } from '../../subject.ts'
import { apiMetrics, watches, writes } from '../api-metrics.ts'
import { AGENT_FLAGS, startAgent } from '../stage.ts'

const VMS = 20
const VOLUMES_EACH = 8
/** Acts that only look; every other one calls libvirt to change something. */
const LOOKING: readonly string[] = ['adopt', 'check-removal', 'release', 'settle'] satisfies Verb[]
const BOUNDS = { rssMiB: 60, aliveS: 0.8, readyS: 2 }
const MOST_IDLE_PERCENT = 0.1
const MOST_WATCHES = 3

/** F8, F9 and F11: a node full of volumes, its memory, its idleness and its restart. */
export const fleet: Measurement = { ids: ['F8', 'F9', 'F11'], title: `${VMS} VMs with ${VOLUMES_EACH} volumes each: memory, idle, SIGKILL → ready`, measure }

async function measure(bench: Bench, scope: Scope): Promise<readonly Figure[]> {
  const scene = await KubernetesScene.start(scope)
  const before = watches(await apiMetrics(scene.server))
  let subject = await startAgent(scene)
  const vms = await populate(bench, scene, subject)
  const plugged = bench.wanted.has('F8') ? await settledRssMiB(subject.daemon.pid) : NaN
  const idle = bench.wanted.has('F9') ? await idleFigures(bench, scene, subject, before) : []
  const [restarts, startsMs]: [Restart[], number[]] = [[], []]
  for (let round = 0; round < (bench.quick ? 3 : 9); round++) {
    const { next, ...restart } = await restartOnce(scene, subject, vms)
    subject = next
    if (round > 0) restarts.push(restart) // the first fills caches
    startsMs.push(await nodeStartMs())
    bench.progress.step('F11', round + 1, bench.quick ? 3 : 9)
  }
  const restarted = bench.wanted.has('F8') ? await settledRssMiB(subject.daemon.pid) : NaN
  const bare = bench.wanted.has('F8') ? await bareNodeRssMiB(scope) : NaN
  const figures = fleetFigures({ wanted: bench.wanted, vms: vms.length, volumesEach: VOLUMES_EACH, rssMiB: { plugged, restarted, bare }, restarts, startsMs, bounds: BOUNDS })
  return [...figures, ...idle]
}

async function populate(bench: Bench, scene: KubernetesScene, subject: Subject): Promise<readonly SceneVm[]> {
  const vms: SceneVm[] = []
  const count = bench.quick ? 3 : VMS
  for (let i = 1; i <= count; i++) {
    const vm = await scene.startVm(`vm${i}`)
    await vm.launcher.host.virsh('suspend', `default_${vm.name}`)
    const storages = await Promise.all(Array.from({ length: VOLUMES_EACH }, (_, v) => scene.image(`${vm.name}-v${v}`)))
    await scene.plug(vm, storages)
    for (const { name } of storages) await subject.ready(vm.name, name)
    vms.push(vm)
    bench.progress.step('F8, F9, F11: starting VMs', i, count)
  }
  return vms
}

async function idleFigures({ quick }: Bench, scene: KubernetesScene, subject: Subject, watchesBefore: number): Promise<Figure[]> {
  const forMs = quick ? 10_000 : 60_000
  const { pid } = subject.daemon
  await subject.idle()
  const [metrics, traces] = [await apiMetrics(scene.server), await childTraces(pid)]
  const [beginMs, cpu] = [monotonicMs(), await cpuMs(pid)]
  await sleep(forMs)
  const percent = (((await cpuMs(pid)) - cpu) / (monotonicMs() - beginMs)) * 100
  const after = await apiMetrics(scene.server)
  const count = (what: string, measured: number, atMost: number): Figure => boundFigure({ id: 'F9', what: `idle for ${forMs / 1_000} s: ${what}`, unit: '', measured, atMost })
  return [
    boundFigure({ id: 'F9', what: `idle for ${forMs / 1_000} s: CPU, of a core`, unit: '%', measured: percent, atMost: MOST_IDLE_PERCENT }),
    count('writes of VMIs, pods and events that the API server counted', writes(after) - writes(metrics), 0),
    count('traces of child processes', Number((await childTraces(pid)) !== traces), 0),
    count('watches at the API server, more than before the agent', watches(after) - watchesBefore, MOST_WATCHES),
  ]
}

/** What a supervisor without a delay would do. Times from the SIGKILL on. */
async function restartOnce(scene: KubernetesScene, { daemon }: Subject, vms: readonly SceneVm[]): Promise<Restart & { readonly next: Subject }> {
  const before = await domains(vms)
  const killedMs = monotonicMs()
  await daemon.kill9()
  const next = await scene.spawnAgent({ flags: AGENT_FLAGS })
  await answers(next, '/livez')
  const aliveMs = monotonicMs() - killedMs
  await answers(next, '/readyz')
  const readyMs = monotonicMs() - killedMs
  const subject = new Subject(next)
  await subject.idle()
  const changes = sumOf(await subject.metrics(), 'hotplugd_operations_total', ({ operation = '' }) => !LOOKING.includes(operation))
  const after = await domains(vms)
  return { next: subject, aliveMs, readyMs, changes, domainsChanged: before.filter((xml, i) => xml !== after[i]).length }
}

async function answers(daemon: Daemon, path: string): Promise<void> {
  await until(path, async () => (await daemon.call('GET', path)).status === 200, 2)
}

function domains(vms: readonly SceneVm[]): Promise<readonly string[]> {
  return Promise.all(vms.map(({ name, launcher }) => launcher.host.virsh('dumpxml', `default_${name}`)))
}
