import type { FigureId } from '../arguments.ts'
import { boundFigure, type Figure } from '../figure.ts'
import { median, type Spread } from '../statistics.ts'
import { formatNumber } from '../table.ts'

/** One SIGKILL and what came after it. */
export interface Restart {
  readonly aliveMs: number
  readonly readyMs: number
  /** Acts of the new process that call libvirt to change something. */
  readonly changes: number
  /** Domains whose live XML is not as before. */
  readonly domainsChanged: number
}

export interface FleetFacts {
  readonly wanted: ReadonlySet<FigureId>
  readonly vms: number
  readonly volumesEach: number
  readonly rssMiB: { readonly plugged: number; readonly restarted: number; readonly bare: number }
  readonly restarts: readonly Restart[]
  /** `node -e 0` */
  readonly startsMs: readonly number[]
  /** The promises. @default standalone's */
  readonly bounds?: FleetBounds
}

export interface FleetBounds {
  /** More than bare node. */
  readonly rssMiB: number
  readonly aliveS: number
  /** After that. */
  readonly readyS: number
}

const STANDALONE: FleetBounds = { rssMiB: 55, aliveS: 0.5, readyS: 2 }

export function fleetFigures(facts: FleetFacts): Figure[] {
  return [...(facts.wanted.has('F8') ? memoryFigures(facts) : []), ...(facts.wanted.has('F11') ? restartFigures(facts) : [])]
}

function memoryFigures({ rssMiB: { plugged, restarted, bare }, vms, volumesEach, bounds = STANDALONE }: FleetFacts): Figure[] {
  const figure = (what: string, measured: number): Figure => ({
    id: 'F8',
    what: `memory (RSS), ${vms} × ${volumesEach} volumes, ${what}; against bare node`,
    unit: 'MiB',
    measured,
    yardstick: bare,
    spread: null,
    goal: `≤ + ${bounds.rssMiB} MiB`,
    ok: measured <= bare + bounds.rssMiB,
    notes: [`${what}: ${formatNumber(measured - bare)} MiB more than bare node`],
  })
  return [figure('after plugging them all', plugged), figure('after a restart', restarted)]
}

function restartFigures({ restarts, startsMs, vms, volumesEach, bounds = STANDALONE }: FleetFacts): Figure[] {
  const seconds = (of: (restart: Restart) => number): number[] => restarts.map((restart) => of(restart) / 1_000)
  const alive = seconds(({ aliveMs }) => aliveMs)
  const further = seconds(({ readyMs, aliveMs }) => readyMs - aliveMs)
  const starts = startsMs.map((ms) => ms / 1_000)
  return [
    boundFigure({ ...timed(`SIGKILL → /livez answers, median of ${alive.length}; against node -e 0`, alive), atMost: bounds.aliveS, yardstick: median(starts), spread: extent(starts) }),
    boundFigure({ ...timed(`then → /readyz, ${vms} × ${volumesEach} volumes reconciled`, further), atMost: bounds.readyS }),
    boundFigure({ id: 'F11', what: 'changing calls to libvirt after a restart, and domains whose live XML changed', unit: '', measured: Math.max(...restarts.map(({ changes, domainsChanged }) => changes + domainsChanged)), atMost: 0 }),
  ]
}

function timed(what: string, values: readonly number[]) {
  const [lowest, highest] = extent(values)
  return { id: 'F11', what, unit: 's', measured: median(values), notes: [`${what.split(',')[0]}: from ${formatNumber(lowest)} to ${formatNumber(highest)} s`] }
}

function extent(values: readonly number[]): Spread {
  return [Math.min(...values), Math.max(...values)]
}
