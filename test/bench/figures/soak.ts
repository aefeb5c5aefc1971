import { startPausedDomain } from '../../support/lab.ts'
import { boundFigure, type Figure } from '../figure.ts'
import { loopDevices, processFacts, type ProcessFacts } from '../process-facts.ts'
import type { Scope } from '../scope.ts'
import { type Bench, type Measurement, setUp } from '../setting.ts'
import { makeMixed } from '../sources.ts'
import { median, slope } from '../statistics.ts'
import { formatNumber } from '../table.ts'

const VM = 'soak'
const PAIRS = 2
const CYCLES = 10_000
const QUICK_CYCLES = 1_000
/** How often one looks at the process, per run. */
const LOOKS = 100
/** The first fifth is for caches and the compiler to fill. */
const WARM_UP = 0.2
/** What counts as none: a garbage collector makes more waves than that. */
const MOST_GROWTH_MIB = 2

/** F12: nothing grows, however often volumes come and go. */
export const soak: Measurement = { ids: ['F12'], title: 'soak: plug and unplug, over and over', measure }

interface Look extends ProcessFacts {
  readonly cycle: number
  readonly loopDevices: number
}

async function measure(bench: Bench, scope: Scope): Promise<readonly Figure[]> {
  const { host, subject } = await setUp(bench, scope)
  await startPausedDomain(host, { name: VM })
  const sources = await makeMixed(scope, PAIRS)
  const cycles = bench.quick ? QUICK_CYCLES : CYCLES
  const looks: Look[] = []
  for (let cycle = 1; cycle <= cycles; cycle++) {
    const source = sources[cycle % sources.length]
    if (source === undefined) throw new Error('there is nothing to plug')
    await subject.plug(VM, 'data', source)
    await subject.unplug(VM, 'data')
    if (cycle % (cycles / LOOKS) === 0) looks.push({ cycle, loopDevices: await loopDevices(), ...(await processFacts(subject.daemon.pid)) })
    bench.progress.step('F12', cycle, cycles)
  }
  return figures(looks.slice(LOOKS * WARM_UP), cycles)
}

function figures(looks: readonly Look[], cycles: number): Figure[] {
  const growthMiB = slope(looks.map(({ cycle, rssMiB }) => [cycle, rssMiB])) * cycles
  const memory = boundFigure({
    id: 'F12',
    what: `growth of memory (RSS) in ${cycles} plugs and unplugs, by its slope after the warm-up`,
    unit: 'MiB',
    measured: growthMiB,
    atMost: MOST_GROWTH_MIB,
    notes: [`RSS by quarter of the time after the warm-up, MiB: ${quarters(looks.map(({ rssMiB }) => rssMiB)).map(formatNumber).join(' ')}`],
  })
  const flat = (what: string, of: (look: Look) => number): Figure => {
    const values = looks.map(of)
    const notes = [`${what}: from ${Math.min(...values)} to ${Math.max(...values)}`]
    return boundFigure({ id: 'F12', what: `growth of ${what}, lowest of the last fifth − lowest of the first`, unit: '', measured: growth(values), atMost: 0, notes })
  }
  return [memory, flat('file descriptors', (look) => look.descriptors), flat('threads', (look) => look.threads), flat('mounts', (look) => look.mounts), flat('loop devices', (look) => look.loopDevices)]
}

function quarters(values: readonly number[]): number[] {
  const length = values.length / 4
  return [0, 1, 2, 3].map((quarter) => median(values.slice(quarter * length, (quarter + 1) * length)))
}

/** A look may fall into the life of a connection or a thread that comes and goes: the lowest counts. */
function growth(values: readonly number[]): number {
  const fifth = Math.max(1, Math.floor(values.length / 5))
  return Math.min(...values.slice(-fifth)) - Math.min(...values.slice(0, fifth))
}
