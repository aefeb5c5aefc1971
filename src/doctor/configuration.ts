import { existsSync, readFileSync } from 'node:fs'
import type { Config } from '../config/config.ts'
import { loadConfig, type Environment } from '../config/load.ts'
import { OPTIONS } from '../config/options.ts'
import { asHotplugError } from '../errors.ts'
import type { ConfiguredOption } from '../http/diagnostics.ts'
import { failed, ok, type Finding } from './finding.ts'

/** What the service is started with. */
const SERVICE_FILE = '/etc/hotplugd/config.yaml'

/** A configuration, and what is said of it. */
export interface Understood {
  /** Null where it is invalid. */
  readonly config: Config | null
  /** Where the daemon is to be asked. */
  readonly socket: string
  /** The asker named it by flags or variables: what the daemon has is not meant then. */
  readonly isNamed: boolean
  readonly finding: Finding
}

/** Of hotplugd's flags and variables, if there are any beside the socket's; else of the service's file; else the defaults. */
export function ownConfiguration(flags: readonly string[], env: Environment, socket: string | null): Understood {
  const named = Object.keys(env).filter((name) => name.startsWith('HOTPLUGD_') && name !== 'HOTPLUGD_SOCKET')
  const argv = [...flags, ...(socket === null ? [] : ['--socket', socket])]
  if (flags.length > 0 || named.length > 0) return understand(argv, env, { isNamed: true, where: `of the command line${named.length === 0 ? '' : ` and ${named.join(', ')}`}` })
  const hasFile = existsSync(SERVICE_FILE)
  return understand([...(hasFile ? ['--config', SERVICE_FILE] : []), ...argv], env, { isNamed: false, where: hasFile ? SERVICE_FILE : `the defaults (there is no ${SERVICE_FILE})` })
}

/** As the running daemon has it. */
export function configurationOf(options: readonly ConfiguredOption[]): Understood {
  const argv = options.filter(({ from }) => from !== 'default').flatMap(({ name, values }) => values.map((value) => `--${name}=${value}`))
  return understand(argv, {}, { isNamed: false, where: 'as the running daemon has it' })
}

function understand(argv: readonly string[], env: Environment, { isNamed, where }: { readonly isNamed: boolean; readonly where: string }): Understood {
  try {
    const config = loadConfig(argv, env, (path) => readFileSync(path, 'utf8'))
    return { config, isNamed, socket: config.socket, finding: ok('configuration', `valid, mode ${config.mode}: ${where}`) }
  } catch (thrown) {
    const { message, remedy } = asHotplugError(thrown)
    return { config: null, isNamed, socket: OPTIONS.socket.defaults.join(), finding: failed('configuration', message, `${remedy} hotplugd --validate-config says the same.`) }
  }
}
