/** What the command line asks for. */
export interface Options {
  /** Guest and daemon go on after the end, until somebody ends them. */
  readonly keep: boolean
  /** The result as JSON on stdout; everything else on stderr. */
  readonly json: boolean
}

export const HELP = `npm run quickstart [-- --keep] [-- --json]
  --keep  leaves guest and daemon running, and says how to end them
  --json  prints the result for a machine (with npm: npm run --silent quickstart -- --json)`

/** Null, with nothing printed, if an argument is unknown. */
export const readOptions = (argv: readonly string[]): Options | null =>
  argv.every((word) => word === '--keep' || word === '--json') ? { keep: argv.includes('--keep'), json: argv.includes('--json') } : null
