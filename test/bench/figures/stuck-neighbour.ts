import { type LibvirtHost, startLibvirtHost, startPausedDomain } from '../../support/lab.ts'
import { boundFigure, type Figure, ratioFigure } from '../figure.ts'
import { loopDelayP99Ms, WATCHED } from '../loop-delay.ts'
import type { Scope } from '../scope.ts'
import type { Bench, Measurement } from '../setting.ts'
import { makeMixed, type Source } from '../sources.ts'
import { chanceDifference, median, quantile, spreadOf } from '../statistics.ts'
import { startSubject, type Subject } from '../subject.ts'
import { formatNumber } from '../table.ts'

/** Namespaces: the libvirt of `a` is stopped now and then, the VM of `b` is measured all the time. */
const STUCK_VM = 'a/stuck'
const SERVED_VM = 'b/served'
const PAIRS = 4
const BLOCKS = 10
/** Requests for the VM whose libvirt is stopped, so that calls really hang there. */
const STUCK_VOLUMES = 2
const MOST_P50 = 1.1
const MOST_LAG_MS = 20

/** F7: what a stopped libvirt costs the VMs of another. */
export const stuckNeighbour: Measurement = { ids: ['F7'], title: "one VM's libvirt stopped, the other's volumes go on", measure }

/** What was measured of the VM that is served. */
export interface Samples {
  readonly plugMs: number[]
  readonly unplugMs: number[]
  readonly lagMs: number[]
}

interface Ward {
  readonly subject: Subject
  readonly stuckHost: LibvirtHost
  readonly served: readonly Source[]
  readonly stuck: readonly Source[]
  readonly perBlock: number
}

async function measure(bench: Bench, scope: Scope): Promise<readonly Figure[]> {
  const [a, b] = [await startLibvirtHost(scope), await startLibvirtHost(scope)]
  await startPausedDomain(a, { name: 'stuck' })
  await startPausedDomain(b, { name: 'served' })
  const subject = await startSubject(scope, { libvirt: { a: a.uri, b: b.uri }, env: WATCHED })
  scope.teardown(() => a.signal('SIGCONT'))
  const ward = { subject, stuckHost: a, served: await makeMixed(scope, PAIRS), stuck: (await makeMixed(scope, 1)).slice(0, STUCK_VOLUMES), perBlock: bench.quick ? 8 : 40 }
  const [first, stopped, second] = [samples(), samples(), samples()]
  await serve(ward, samples())
  for (let block = 0; block < BLOCKS; block++) {
    await serve(ward, first)
    await whileStopped(ward, () => serve(ward, stopped))
    await serve(ward, second)
    bench.progress.step('F7', block + 1, BLOCKS)
  }
  return neighbourFigures(first, stopped, second, ['request sent → attach returned', 'unplug request sent → released'])
}

export function samples(): Samples {
  return { plugMs: [], unplugMs: [], lagMs: [] }
}

/** Requests for the stopped libvirt are under way meanwhile; afterwards everything there is put in order again. */
async function whileStopped({ subject, stuckHost, stuck }: Ward, act: () => Promise<void>): Promise<void> {
  const names = stuck.map((_, i) => `s${i}`)
  stuckHost.signal('SIGSTOP')
  try {
    for (const [i, source] of stuck.entries()) await subject.request(STUCK_VM, `s${i}`, source)
    await act()
  } finally {
    stuckHost.signal('SIGCONT')
  }
  for (const name of names) await subject.ready(STUCK_VM, name)
  for (const name of names) await subject.unplug(STUCK_VM, name)
  await subject.idle()
}

async function serve({ subject, served, perBlock }: Ward, into: Samples): Promise<void> {
  await loopDelayP99Ms(subject) // begins a new window
  for (let i = 0; i < perBlock; i++) {
    const source = served[i % served.length]
    if (source === undefined) throw new Error('there is nothing to plug')
    into.plugMs.push((await subject.plug(SERVED_VM, 'data', source)).requestMs)
    into.unplugMs.push(await subject.unplug(SERVED_VM, 'data'))
  }
  into.lagMs.push(await loopDelayP99Ms(subject))
}

/** The last: what a plug's and an unplug's times are. */
export function neighbourFigures(first: Samples, stopped: Samples, second: Samples, [plug, unplug]: readonly [string, string]): Figure[] {
  const undisturbedLag = formatNumber(median([...first.lagMs, ...second.lagMs]))
  return [
    p50Figure(plug, [first, stopped, second].map(({ plugMs }) => plugMs)),
    p95Figure(plug, [first, stopped, second].map(({ plugMs }) => plugMs)),
    p50Figure(unplug, [first, stopped, second].map(({ unplugMs }) => unplugMs)),
    p95Figure(unplug, [first, stopped, second].map(({ unplugMs }) => unplugMs)),
    boundFigure({
      id: 'F7',
      what: 'event loop delay p99 while the other libvirt is stopped, median of the blocks',
      unit: 'ms',
      measured: median(stopped.lagMs),
      atMost: MOST_LAG_MS,
      notes: [`event loop delay p99 undisturbed: ${undisturbedLag} ms; both as Node counts it, with the 10 ms of its own timer; worst block ${formatNumber(Math.max(...stopped.lagMs))} ms`],
    }),
  ]
}

function p50Figure(what: string, [first = [], stopped = [], second = []]: readonly (readonly number[])[]): Figure {
  const undisturbed = [...first, ...second]
  return ratioFigure({ id: 'F7', what: `${what}, p50, other libvirt stopped, n=${stopped.length}; against undisturbed`, unit: 'ms', measured: median(stopped), yardstick: median(undisturbed), spread: spreadOf(undisturbed, median), atMost: MOST_P50 })
}

/** No worse than two undisturbed runs differ by chance. */
function p95Figure(what: string, [first = [], stopped = [], second = []]: readonly (readonly number[])[]): Figure {
  const p95 = (all: readonly number[]): number => quantile(all, 0.95)
  const undisturbed = [...first, ...second]
  const [measured, yardstick, chance] = [p95(stopped), p95(undisturbed), chanceDifference(undisturbed, p95)]
  return {
    id: 'F7',
    what: `${what}, p95, other libvirt stopped; against undisturbed`,
    unit: 'ms',
    measured,
    yardstick,
    spread: [Math.min(p95(first), p95(second)), Math.max(p95(first), p95(second))],
    goal: `≤ + ${formatNumber(chance)} ms, as two undisturbed runs differ by chance`,
    ok: measured <= yardstick + chance,
    notes: [],
  }
}
