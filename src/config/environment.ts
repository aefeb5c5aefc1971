import type { Given, Layer } from './layer.ts'
import { suggestion } from './nearest.ts'
import { OPTIONS, variableOf } from './options.ts'

/** The tests' own variable: which point the daemon dies at. */
const RESERVED = 'HOTPLUGD_FAILPOINT'

const NAMES = new Map([...Object.values(OPTIONS).map(option => option.name), 'config'].map(name => [variableOf(name), name]))
const LISTS = new Set(Object.values(OPTIONS).filter(option => option.kind === 'list').map(option => option.name))

/** Reads the variables HOTPLUGD_…; an empty one counts as not set. */
export function readEnvironment(env: Readonly<Record<string, string | undefined>>): Layer {
  const given = new Map<string, Given>()
  const problems: string[] = []
  for (const [variable, text = ''] of Object.entries(env)) {
    if (!variable.startsWith('HOTPLUGD_') || variable === RESERVED || text === '') continue
    const name = NAMES.get(variable)
    if (name === undefined) problems.push(`unknown variable ${variable}${suggestion(variable, NAMES.keys())}`)
    else given.set(name, { where: `variable ${variable}`, texts: LISTS.has(name) ? text.trim().split(/\s+/) : [text] })
  }
  return { given, problems }
}
