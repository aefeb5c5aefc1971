import { destination, type Logger, pino } from 'pino'
import type { DesiredProblem } from '../model/desired.ts'
import type { Phase, Stage } from '../model/status.ts'
import type { RecentLines } from './recent-lines.ts'
import type { ActEnd, AgentObserver, ToldVolume } from '../agent/observer.ts'

/** The daemon's logger: one JSON object a line on stdout, written at once so that nothing is lost in a crash; the last ones are kept in `recent`. */
export function createLog(level: string, recent: RecentLines): Logger {
  const stdout = destination({ fd: 1, sync: true })
  const write = (line: string): void => {
    recent.add(line)
    stdout.write(line)
  }
  return pino({ level, base: null, formatters: { level: (label) => ({ level: label }) } }, { write })
}

/** The same failure is told again after this long. */
const QUIET_MS = 60_000

interface LastFailure {
  readonly reason: string
  readonly atMs: number
  count: number
}

/** Tells the story of each volume: a line a phase change, a line a new failure; the same failure again is only counted. */
export class LogObserver implements AgentObserver {
  readonly #log: Logger
  readonly #failures = new WeakMap<ToldVolume, LastFailure>()

  constructor(log: Logger) {
    this.#log = log
  }

  phaseChanged(volume: ToldVolume, from: Phase | null): void {
    const { phase, reason, message, target } = volume.status
    this.#log.info({ ...names(volume), phase, from, reason, message, target }, 'phase changed')
  }

  stagePassed(volume: ToldVolume, { name, durationMs }: Stage): void {
    this.#log.debug({ ...names(volume), stage: name, durationMs }, 'stage passed')
  }

  actEnded(volume: ToldVolume, { verb, opId, durationMs, error }: ActEnd): void {
    const fields = { ...names(volume), op: verb, opId, durationMs }
    if (error === null) return this.#log.debug(fields, 'act done')
    const repeats = this.#repeats(volume, error.reason)
    const { reason, remedy, detail } = error
    if (repeats > 1) return this.#log.debug({ ...fields, reason, repeats }, 'act failed again')
    this.#log.warn({ ...fields, reason, remedy, detail, err: error }, 'act failed')
  }

  problem({ vm, volume, reason, message }: DesiredProblem): void {
    this.#log.warn({ vm, volume, reason, why: message }, 'desired state cannot be used whole')
  }

  note(event: string, fields: Readonly<Record<string, unknown>>): void {
    this.#log.info(fields, event)
  }

  #repeats(volume: ToldVolume, reason: string): number {
    const last = this.#failures.get(volume)
    const nowMs = performance.now()
    const again = last?.reason === reason && nowMs - last.atMs < QUIET_MS
    const failure = again ? last : { reason, atMs: nowMs, count: 0 }
    failure.count++
    this.#failures.set(volume, failure)
    return failure.count
  }
}

function names(volume: ToldVolume): { vm: string; volume: string } {
  return { vm: volume.key.vm, volume: volume.key.volume }
}
