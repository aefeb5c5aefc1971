import { startPausedDomain, until } from '../../support/lab.ts'
import type { Daemon } from '../../support/daemon.ts'
import type { Verb } from '../../../src/core/volume/decide.ts'
import { bareNodeRssMiB, nodeStartMs, settledRssMiB } from '../bare-node.ts'
import { monotonicMs } from '../clocks.ts'
import type { Figure } from '../figure.ts'
import { sumOf } from '../metrics.ts'
import type { Scope } from '../scope.ts'
import { type Bench, type Measurement, type Setting, setUp } from '../setting.ts'
import { makeImages } from '../sources.ts'
import { forEachAtOnce, spawnSubject, Subject } from '../subject.ts'
import { fleetFigures, type Restart } from './fleet-figures.ts'

const VMS = 100
const VOLUMES_EACH = 8
const STARTED_AT_ONCE = 2
/** Acts that only look; every other one calls libvirt to change something. */
const LOOKING: readonly string[] = ['adopt', 'check-removal', 'release', 'settle'] satisfies Verb[]

/** F8 and F11: a node full of volumes, its memory and its restart. */
export const fleet: Measurement = { ids: ['F8', 'F11'], title: '100 VMs with 8 volumes each: memory, and SIGKILL → ready', measure }

async function measure(bench: Bench, scope: Scope): Promise<readonly Figure[]> {
  const setting = await setUp(bench, scope)
  const vms = Array.from({ length: bench.quick ? 20 : VMS }, (_, i) => `vm${i + 1}`)
  await populate(bench, scope, setting, vms)
  const plugged = await settledRssMiB(setting.subject.daemon.pid)
  const restarts = await restartOften(bench, scope, setting, vms)
  const restarted = await settledRssMiB(restarts.subject.daemon.pid)
  const bare = await bareNodeRssMiB(scope)
  return fleetFigures({ wanted: bench.wanted, vms: vms.length, volumesEach: VOLUMES_EACH, rssMiB: { plugged, restarted, bare }, restarts: restarts.all, startsMs: restarts.startsMs })
}

async function populate({ progress }: Bench, scope: Scope, { host, subject }: Setting, vms: readonly string[]): Promise<void> {
  let started = 0
  await forEachAtOnce(
    vms,
    async (name) => {
      await startPausedDomain(host, { name })
      progress.step('F8/F11: starting VMs', ++started, vms.length)
    },
    STARTED_AT_ONCE,
  )
  const images = await makeImages(scope, vms.length * VOLUMES_EACH)
  const wishes = images.map((source, i) => ({ vm: vms[Math.floor(i / VOLUMES_EACH)] ?? '', name: `v${i % VOLUMES_EACH}`, source }))
  await forEachAtOnce(wishes, ({ vm, name, source }) => subject.request(vm, name, source))
  for (const { vm, name } of wishes) await subject.ready(vm, name)
}

interface Restarts {
  readonly subject: Subject
  readonly all: readonly Restart[]
  /** `node -e 0`, in between. */
  readonly startsMs: readonly number[]
}

async function restartOften({ progress, quick }: Bench, scope: Scope, setting: Setting, vms: readonly string[]): Promise<Restarts> {
  const rounds = quick ? 4 : 12
  let { subject } = setting
  const [all, startsMs]: [Restart[], number[]] = [[], []]
  for (let round = 0; round < rounds; round++) {
    const before = await digests(setting, vms)
    const { next, ...times } = await restart(scope, setting, subject)
    subject = next
    await subject.idle()
    const changes = sumOf(await subject.metrics(), 'hotplugd_operations_total', ({ operation = '' }) => !LOOKING.includes(operation))
    all.push({ ...times, changes, domainsChanged: differences(before, await digests(setting, vms)) })
    startsMs.push(await nodeStartMs())
    progress.step('F11', round + 1, rounds)
  }
  return { subject, startsMs: startsMs.slice(1), all: all.slice(1) } // the first fills caches
}

/** What a supervisor without a delay would do. Times from the SIGKILL on. */
async function restart(scope: Scope, { host }: Setting, { daemon }: Subject): Promise<{ next: Subject; aliveMs: number; readyMs: number }> {
  const killedMs = monotonicMs()
  await daemon.kill9()
  const next = await spawnSubject(scope, { libvirt: host.uri, directories: daemon.directories })
  await answers(next, '/livez')
  const aliveMs = monotonicMs() - killedMs
  await answers(next, '/readyz')
  return { next: new Subject(next), aliveMs, readyMs: monotonicMs() - killedMs }
}

async function answers(daemon: Daemon, path: string): Promise<void> {
  await until(path, async () => (await daemon.call('GET', path)).status === 200, 2)
}

/** The live XML of every domain, as the yardstick sees it. */
function digests({ yardstick }: Setting, vms: readonly string[]): Promise<readonly string[]> {
  return Promise.all(vms.map((vm) => yardstick.digest(vm)))
}

function differences(before: readonly string[], after: readonly string[]): number {
  return before.filter((digest, i) => digest !== after[i]).length
}
