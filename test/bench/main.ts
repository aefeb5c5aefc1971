import { parseArguments, HELP, type Arguments } from './arguments.ts'
import { failedFigure, type Figure, resultObject } from './figure.ts'
import { MEASUREMENTS } from './figures/index.ts'
import { KUBERNETES_MEASUREMENTS } from './kubernetes/figures/index.ts'
import { Progress } from './progress.ts'
import { Scope } from './scope.ts'
import type { Bench, Measurement } from './setting.ts'
import { renderTable } from './table.ts'
import { compileYardstick } from './yardstick.ts'

const MEASURED = 0
const FAILED = 1
const USAGE = 2
const INTERRUPTED = 130

process.exitCode = await main()

/** A goal that is missed is a result like any other; only what could not be measured is a failure. */
async function main(): Promise<number> {
  const options = understood()
  if (options === null) return USAGE
  if (options.help) return print(HELP)
  const all = new Scope()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => void interrupted(all))
  try {
    const figures = await measureAll(options, all)
    return all.isEnding ? INTERRUPTED : report(figures, options)
  } finally {
    await all.end()
  }
}

function understood(): Arguments | null {
  try {
    return parseArguments(process.argv.slice(2))
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${HELP}`)
    return null
  }
}

function print(text: string): number {
  process.stdout.write(text)
  return MEASURED
}

async function interrupted(all: Scope): Promise<never> {
  process.stderr.write('\nbench: interrupted, cleaning up\n')
  await all.end()
  process.exit(INTERRUPTED)
}

async function measureAll({ mode, only, quick }: Arguments, all: Scope): Promise<Figure[]> {
  const progress = new Progress()
  const bench: Bench = { progress, quick, wanted: only, yardstickProgram: await compileYardstick(all) }
  const figures: Figure[] = []
  const measurements = mode === 'kubernetes' ? KUBERNETES_MEASUREMENTS : MEASUREMENTS
  for (const measurement of measurements.filter(({ ids }) => ids.some((id) => only.has(id)))) {
    if (!all.isEnding) figures.push(...(await measureOne(bench, measurement, all)))
  }
  return figures
}

/** One that fails does not keep the others from being measured. */
async function measureOne(bench: Bench, { ids, title, measure }: Measurement, all: Scope): Promise<readonly Figure[]> {
  const wanted = ids.filter((id) => bench.wanted.has(id))
  bench.progress.say(`${wanted.join(', ')}: ${title}`)
  const scope = all.inner()
  try {
    return await measure(bench, scope)
  } catch (error) {
    if (all.isEnding) return [] // whatever it was, it lost the ground under its feet
    bench.progress.say(`${wanted.join(', ')} failed: ${error instanceof Error ? error.stack : String(error)}`)
    return wanted.map((id) => failedFigure(id, error))
  } finally {
    await scope.end()
  }
}

function report(figures: readonly Figure[], { json }: Arguments): number {
  const table = renderTable(figures)
  if (json) process.stderr.write(table)
  process.stdout.write(json ? `${JSON.stringify(resultObject(figures), null, 2)}\n` : table)
  return figures.some(({ measured }) => Number.isNaN(measured)) ? FAILED : MEASURED
}
