import { destination, type Logger, pino } from 'pino'
import { type Occurrence, Repeats } from '../core/repeats.ts'
import { type HotplugError, type Reason, REASONS } from '../errors.ts'
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

/** Tells the story of each volume: a line a phase change, a line a new failure; the same failure again is a line a minute and a counter. */
export class LogObserver implements AgentObserver {
  readonly #log: Logger
  readonly #nowMs: () => number
  readonly #acts = new WeakMap<ToldVolume, Repeats>()
  readonly #others = new Repeats()

  /** @param nowMs a clock that never goes back */
  constructor(log: Logger, nowMs: () => number = () => performance.now()) {
    this.#log = log
    this.#nowMs = nowMs
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
    const acts = this.#acts.get(volume) ?? new Repeats()
    this.#acts.set(volume, acts)
    this.#failed('act failed', fields, error, acts.happened(error.reason, this.#nowMs()))
  }

  problem({ vm, volume, reason, message }: DesiredProblem): void {
    this.#log.warn({ vm, volume, reason, why: message }, 'desired state cannot be used whole')
  }

  note(event: string, fields: Readonly<Record<string, unknown>>): void {
    this.#log.info(fields, event)
  }

  failed(event: string, fields: Readonly<Record<string, unknown>>, error: HotplugError): void {
    const key = JSON.stringify([event, fields, error.reason])
    this.#failed(event, fields, error, this.#others.happened(key, this.#nowMs()))
  }

  #failed(event: string, fields: Readonly<Record<string, unknown>>, error: HotplugError, { isSaid, ...again }: Occurrence): void {
    const { reason, remedy, detail } = error
    if (!isSaid) return this.#log.debug({ ...fields, reason, ...again }, `${event} again`)
    this.#log[levelOf(reason)]({ ...fields, reason, remedy, detail, ...again, err: error }, event)
  }
}

/** `warn`: it is tried again; `error`: only a person can mend it. */
function levelOf(reason: Reason): 'warn' | 'error' {
  return reason === 'InternalError' || REASONS[reason].retry === 'never' ? 'error' : 'warn'
}

function names(volume: ToldVolume): { vm: string; volume: string } {
  return { vm: volume.key.vm, volume: volume.key.volume }
}
