import { readFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { hostname } from 'node:os'
import type { Logger } from 'pino'
import { acquireNodeLock } from './adapters/linux/node-lock.ts'
import { peerCredentials } from './adapters/linux/peer-credentials.ts'
import { serviceManager, type ServiceManager } from './adapters/linux/service-manager.ts'
import { systemClock } from './adapters/system-clock.ts'
import { compose, type Composed } from './compose.ts'
import type { Config } from './config/config.ts'
import { invocationOf } from './config/flags.ts'
import { configuredOptions } from './config/configured.ts'
import { groupId } from './config/group-id.ts'
import { helpText } from './config/help.ts'
import { loadConfig } from './config/load.ts'
import { asHotplugError } from './errors.ts'
import { diagnosticsOf } from './diagnostics.ts'
import { failpointHook } from './failpoint.ts'
import type { ConfiguredOption, Diagnostics } from './http/diagnostics.ts'
import { createLocalApi, type RunningServer } from './http/local-api.ts'
import { descriptorOf } from './http/peer.ts'
import { createProbeServer } from './http/probe-server.ts'
import { reportService } from './service-report.ts'
import { createLog } from './telemetry/log.ts'
import { RecentLines } from './telemetry/recent-lines.ts'
import { VERSION } from './version.ts'

/** Exit codes of the daemon. */
const OK = 0
const FAILED = 1
const CONFIG_INVALID = 2

type Environment = Readonly<Record<string, string | undefined>>

/** Runs what the command line asks for; resolves with the exit code once the daemon was told to stop. */
export async function daemon(argv: readonly string[], env: Environment): Promise<number> {
  const asked = invocationOf(argv)
  if (asked === 'help') return print(helpText())
  if (asked === 'version') return print(`hotplugd ${VERSION}\n`)
  const config = readConfig(argv, env)
  if (config === null) return CONFIG_INVALID
  if (asked === 'validate-config') return print('the configuration is valid\n')
  return run({ config, env, configuration: configuredOptions(argv, env, readText) })
}

function print(text: string): number {
  process.stdout.write(text)
  return OK
}

function readConfig(argv: readonly string[], env: Environment): Config | null {
  try {
    return loadConfig(argv, env, readText)
  } catch (thrown) {
    complain(thrown)
    return null
  }
}

function readText(path: string): string {
  return readFileSync(path, 'utf8')
}

/** For a person at a terminal: cause and remedy, no stack. */
function complain(thrown: unknown): void {
  const { message, remedy } = asHotplugError(thrown)
  process.stderr.write(`error: ${message}\n  remedy: ${remedy}\n`)
}

/** A configuration that is valid, and where each part of it came from. */
interface Chosen {
  readonly config: Config
  readonly configuration: readonly ConfiguredOption[]
  readonly env: Environment
}

async function run({ config, configuration, env }: Chosen): Promise<number> {
  const lines = new RecentLines()
  const log = createLog(config.logLevel, lines)
  const diagnostics = diagnosticsOf({ log, lines, configuration, mode: config.mode, nodeName: config.nodeName ?? hostname() })
  const stop = stopSignal()
  const service = serviceManager(env, { clock: systemClock, log })
  stop.addEventListener('abort', () => service.stopping(), { once: true })
  service.status('starting')
  try {
    await live(config, { log, env, stop, service, diagnostics })
    return OK
  } catch (thrown) {
    if (stop.aborted) return OK
    const error = asHotplugError(thrown)
    log.fatal({ reason: error.reason, remedy: error.remedy, detail: error.detail, err: error }, 'hotplugd cannot run')
    service.status(`cannot run: ${error.message}`)
    complain(error)
    return FAILED
  }
}

interface Surroundings {
  readonly log: Logger
  readonly diagnostics: Diagnostics
  readonly env: Environment
  readonly stop: AbortSignal
  readonly service: ServiceManager
}

/** From the lock to the last closed server. Whatever happens to the daemon, no disk is taken out because of it. */
async function live(config: Config, { log, env, stop, service, diagnostics }: Surroundings): Promise<void> {
  await mkdir(config.runDir, { recursive: true, mode: 0o711 })
  const onWait = ({ pid }: { readonly pid: number }) => {
    log.warn({ pid, runDir: config.runDir, reason: 'NodeLocked' }, 'another hotplugd runs here, waiting for it to end')
    service.status(`waiting for another hotplugd to end: process ${pid}`)
  }
  const lock = await acquireNodeLock(config.runDir, { signal: stop, onWait })
  const composed = await compose(config, log, failpointHook(env['HOTPLUGD_FAILPOINT']))
  const servers = await serve(config, composed, { log, diagnostics })
  log.info({ version: VERSION, mode: config.mode, listening: servers.map(({ address }) => address) }, 'hotplugd started')
  await composed.agent.start()
  service.ready()
  reportService(composed, service, { clock: systemClock, signal: stop })
  await aborted(stop)
  log.info({}, 'hotplugd stops; plugged disks stay where they are')
  await Promise.all(servers.map((server) => server.close()))
  await composed.agent.stop()
  lock.release()
}

async function serve(config: Config, { api, metrics }: Composed, { log, diagnostics }: Pick<Surroundings, 'log' | 'diagnostics'>): Promise<RunningServer[]> {
  const common = { agent: api, log, registry: metrics.registry }
  const groups = { admin: gid(config.adminGroup), socket: gid(config.socketGroup) }
  const namespaces = config.mode === 'standalone' ? [...config.libvirtUris.keys()] : null
  const peerOf = (socket: Parameters<typeof descriptorOf>[0]) => peerCredentials(descriptorOf(socket))
  const local = createLocalApi({ ...common, socket: config.socket, groups, namespaces, version: VERSION, peerOf, diagnostics })
  const probes = config.listen === null ? [] : [createProbeServer({ ...common, listen: config.listen })]
  return allOrNone(await Promise.allSettled([local, ...probes]))
}

/** A server left alone would keep a daemon alive that cannot run. */
async function allOrNone(started: readonly PromiseSettledResult<RunningServer>[]): Promise<RunningServer[]> {
  const servers = started.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
  const failure = started.find((one) => one.status === 'rejected')
  if (failure === undefined) return servers
  await Promise.all(servers.map((server) => server.close()))
  throw failure.reason
}

function gid(group: string | null): number | null {
  return group === null ? null : groupId(group, readFileSync('/etc/group', 'utf8'))
}

/** Aborted by SIGTERM or SIGINT; a second one ends the process at once. */
function stopSignal(): AbortSignal {
  const controller = new AbortController()
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => controller.abort())
  return controller.signal
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}
