import { HotplugError } from '../errors.ts'
import type { Config } from './config.ts'
import { readEnvironment } from './environment.ts'
import { readConfigFile } from './file.ts'
import { readFlags } from './flags.ts'
import { EMPTY_LAYER, type Given, type Layer } from './layer.ts'
import { OPTIONS, type Option } from './options.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/**
 * What the user chose: file < environment < flags, one option at a time (a list is replaced, not joined).
 * `readFile` gives the text of the file named by `--config` and throws what the operating system says.
 * Throws HotplugError `ConfigInvalid` that names every problem at once.
 */
export function loadConfig(argv: readonly string[], env: Environment, readFile: (path: string) => string): Config {
  const layers = layersOf(argv, env, readFile)
  const problems = layers.flatMap(layer => layer.problems)
  const config = Object.fromEntries(
    Object.entries(OPTIONS).map(([field, option]) => [field, choose(option, layers, problems)]),
  ) as unknown as Config // each field's parser is typed by the table; the entries lose that
  if (problems.length === 0) problems.push(...conflictsOf(config))
  if (problems.length > 0) throw invalid(problems)
  return config
}

/** What each place says, the weakest first. */
export function layersOf(argv: readonly string[], env: Environment, readFile: (path: string) => string): readonly Layer[] {
  const flags = readFlags(argv)
  const environment = readEnvironment(env)
  const file = (flags.given.get('config') ?? environment.given.get('config'))?.texts[0]
  return [file === undefined ? EMPTY_LAYER : readFileLayer(file, readFile), environment, flags]
}

function readFileLayer(file: string, readFile: (path: string) => string): Layer {
  try {
    return readConfigFile(file, readFile(file))
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    return { given: new Map(), problems: [`${file}: the configuration file cannot be read: ${why}`] }
  }
}

/** The value of one option from the last layer that gives one; a wrong value adds a problem, also where a later layer overrides it. */
function choose(option: Option<unknown>, layers: readonly Layer[], problems: string[]): unknown {
  let chosen = parse(option, { where: 'default', texts: option.defaults }, problems)
  for (const layer of layers) {
    const given = layer.given.get(option.name)
    if (given !== undefined) chosen = parse(option, given, problems)
  }
  return chosen
}

function parse(option: Option<unknown>, given: Given, problems: string[]): unknown {
  const parsed = option.parse(given.texts)
  if ('value' in parsed) return parsed.value
  problems.push(`${given.where}: found '${parsed.found}', allowed: ${parsed.allowed}`)
  return null
}

/** What is wrong only in combination. */
function conflictsOf(config: Config): readonly string[] {
  const conflicts: string[] = []
  if (config.mode === 'kubernetes' && config.nodeName === null) conflicts.push('--mode kubernetes needs --node-name: the node that this agent runs on')
  const directories = { 'state-dir': config.stateDir, 'run-dir': config.runDir, 'manifest-dir': config.manifestDir }
  for (const [name, path] of Object.entries(directories)) {
    const twin = Object.entries(directories).find(([other, otherPath]) => other < name && otherPath === path)
    if (twin !== undefined) conflicts.push(`--${twin[0]} and --${name} must be different directories, both are ${path}`)
  }
  return conflicts
}

function invalid(problems: readonly string[]): HotplugError {
  const message = problems.length === 1 ? problems.join() : `${problems.length} problems:\n${problems.map(problem => `  ${problem}`).join('\n')}`
  return new HotplugError('ConfigInvalid', `the configuration is invalid: ${message}`, { detail: { problems: problems.length } })
}
