import { parseArgs } from 'node:util'

/** What the bench measures, in the order it does. */
export const FIGURE_IDS = ['F1', 'F2', 'F4', 'F5', 'F6', 'F7', 'F8', 'F11', 'F12'] as const
export type FigureId = (typeof FIGURE_IDS)[number]

/** Ten thousand cycles take longer than all the rest: only when asked for by name. */
const BY_NAME_ONLY: readonly FigureId[] = ['F12']

export interface Arguments {
  readonly only: ReadonlySet<FigureId>
  readonly json: boolean
  /** Fewer samples: to see that it works, not to believe it. */
  readonly quick: boolean
  readonly help: boolean
}

export const HELP = `Usage: npm run bench [-- OPTIONS]

Measures hotplugd against a small C program that makes the same libvirt calls on the same disks in the same run.
Figures: ${FIGURE_IDS.join(' ')}; all but ${BY_NAME_ONLY.join(' ')}, unless named.

  --only F1,F4   only these
  --json         the result as JSON on stdout; progress goes to stderr in any case
  --quick        fewer samples
  --help         this text
`

/** Throws an Error that names what is wrong. */
export function parseArguments(argv: readonly string[]): Arguments {
  const { values } = parseArgs({
    args: [...argv],
    options: { only: { type: 'string', multiple: true }, json: { type: 'boolean' }, quick: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
  })
  const { only, json = false, quick = false, help = false } = values
  return { json, quick, help, only: only === undefined ? everything() : named(only) }
}

function everything(): ReadonlySet<FigureId> {
  return new Set(FIGURE_IDS.filter((id) => !BY_NAME_ONLY.includes(id)))
}

function named(lists: readonly string[]): ReadonlySet<FigureId> {
  const names = lists.flatMap((list) => list.split(',')).map((name) => name.trim().toUpperCase()).filter((name) => name !== '')
  const unknown = names.find((name) => !isFigureId(name))
  if (unknown !== undefined || names.length === 0) throw new Error(`--only: ${unknown ?? 'nothing'} is not a figure; figures: ${FIGURE_IDS.join(', ')}`)
  return new Set(names.filter(isFigureId))
}

function isFigureId(name: string): name is FigureId {
  return (FIGURE_IDS as readonly string[]).includes(name)
}
