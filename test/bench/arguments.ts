import { parseArgs } from 'node:util'

/** What the bench measures in each mode. */
const FIGURE_IDS = {
  standalone: ['F1', 'F2', 'F4', 'F5', 'F6', 'F7', 'F8', 'F11', 'F12'],
  kubernetes: ['F1', 'F3', 'F7', 'F8', 'F9', 'F10', 'F11', 'UID', 'OTHERS', 'TEN', 'COST'],
} as const
export type Mode = keyof typeof FIGURE_IDS
export type FigureId = (typeof FIGURE_IDS)[Mode][number]

/** Ten thousand cycles take longer than all the rest: only when asked for by name. */
const BY_NAME_ONLY: readonly FigureId[] = ['F12']

export interface Arguments {
  readonly mode: Mode
  readonly only: ReadonlySet<FigureId>
  readonly json: boolean
  /** Fewer samples: to see that it works, not to believe it. */
  readonly quick: boolean
  readonly help: boolean
}

export const HELP = `Usage: npm run bench [-- OPTIONS]

Measures hotplugd against a small C program that makes the same libvirt calls on the same disks in the same run.
Figures: ${FIGURE_IDS.standalone.join(' ')}; all but ${BY_NAME_ONLY.join(' ')}, unless named.
In Kubernetes mode: ${FIGURE_IDS.kubernetes.join(' ')}; UID: from attachPodUID to Ready and back, OTHERS: the same beside
five others, TEN: ten at once, COST: CPU and forks.

  --mode kubernetes   with a real API server, and launchers in pods; default standalone
  --only F1,F4   only these
  --json         the result as JSON on stdout; progress goes to stderr in any case
  --quick        fewer samples
  --help         this text
`

/** Throws an Error that names what is wrong. */
export function parseArguments(argv: readonly string[]): Arguments {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      mode: { type: 'string' },
      only: { type: 'string', multiple: true },
      json: { type: 'boolean' },
      quick: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  })
  const { only, json = false, quick = false, help = false } = values
  const mode = modeOf(values.mode ?? 'standalone')
  return { mode, json, quick, help, only: only === undefined ? everything(mode) : named(mode, only) }
}

function modeOf(name: string): Mode {
  if (name === 'standalone' || name === 'kubernetes') return name
  throw new Error(`--mode: ${name} is not a mode; modes: ${Object.keys(FIGURE_IDS).join(', ')}`)
}

function everything(mode: Mode): ReadonlySet<FigureId> {
  return new Set(idsOf(mode).filter((id) => !BY_NAME_ONLY.includes(id)))
}

function named(mode: Mode, lists: readonly string[]): ReadonlySet<FigureId> {
  const names = lists.flatMap((list) => list.split(',')).map((name) => name.trim().toUpperCase()).filter((name) => name !== '')
  const ids = names.map((name) => idsOf(mode).find((id) => id === name) ?? null)
  const unknown = names[ids.indexOf(null)]
  if (unknown !== undefined || names.length === 0) throw new Error(`--only: ${unknown ?? 'nothing'} is not a figure; figures: ${idsOf(mode).join(', ')}`)
  return new Set(ids.filter((id) => id !== null))
}

function idsOf(mode: Mode): readonly FigureId[] {
  return FIGURE_IDS[mode]
}
