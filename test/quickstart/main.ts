/**
 * `npm run quickstart`: real volumes into a real guest, by the real daemon and the real command line, each step with its time.
 */
import { once } from 'node:events'
import { isKept, runKept, stay } from './background.ts'
import { goOn, SAMPLES } from './farewell.ts'
import { HELP, readOptions, type Options } from './options.ts'
import { Show } from './show.ts'
import { playThrough, startEverything } from './steps.ts'
import { volumeTable } from './volumes.ts'
import { World } from './world.ts'

/** Aborted by Ctrl-C and the like, so that everything is put away first. */
const ending = (): AbortSignal => {
  const controller = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => controller.abort(new Error(`ended by ${signal}`)))
  return controller.signal
}

const whenAborted = async (signal: AbortSignal): Promise<never> => {
  if (!signal.aborted) await once(signal, 'abort')
  throw signal.reason as Error
}

const play = async (world: World, show: Show, { keep, json }: Options): Promise<Record<string, unknown>> => {
  const running = await startEverything(world, show)
  const volumes = await playThrough(world, show, running)
  show.plain(`\n${volumeTable(volumes)}\n\nAll of it in ${(show.elapsedMs / 1000).toFixed(1)} s.\n\n${keep ? goOn(running) : SAMPLES}`)
  const { host, daemon } = running
  const kept = keep ? { pid: process.pid, libvirtUri: host.uri, socket: daemon.socket } : null
  const result = { ok: true, durationMs: show.elapsedMs, steps: show.steps, volumes, kept }
  if (json) process.stdout.write(`${JSON.stringify(result)}\n`)
  return result
}

const quickstart = async (options: Options): Promise<number> => {
  const ended = ending()
  const show = new Show((text) => void (options.json ? process.stderr : process.stdout).write(`${text}\n`))
  const world = await World.open()
  try {
    await Promise.race([play(world, show, options), whenAborted(ended)])
    if (options.keep) await stay(ended)
    return 0
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    if (options.json) process.stdout.write(`${JSON.stringify({ ok: false, error: message, steps: show.steps })}\n`)
    process.stderr.write(`\nquickstart: ${message}\n`)
    return ended.aborted ? 130 : 1
  } finally {
    await world.close()
  }
}

const complain = (text: string, exitCode: number): number => {
  process.stderr.write(`quickstart: ${text}\n`)
  return exitCode
}

const main = async (argv: readonly string[]): Promise<number> => {
  const options = readOptions(argv)
  if (typeof options === 'string') return complain(`${options}\n${HELP}`, 2)
  if (process.getuid?.() !== 0) return complain('root is needed (guests, loop devices, namespaces): sudo npm run quickstart', 1)
  return options.keep && !isKept() ? runKept() : quickstart(options)
}

process.exit(await main(process.argv.slice(2)))
