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

const FLAGS = ['--keep', '--json']

/** What is wrong is returned as text. */
export const readOptions = (argv: readonly string[]): Options | string => {
  const unknown = argv.find((word) => !FLAGS.includes(word))
  if (unknown !== undefined) return `unknown argument '${unknown}'`
  return { keep: argv.includes('--keep'), json: argv.includes('--json') }
}
