import type { History } from '../agent/history.ts'
import type { ActEnd, AgentObserver, ToldVolume } from '../agent/observer.ts'
import type { DesiredProblem } from '../model/desired.ts'
import type { Phase, Stage } from '../model/status.ts'

/** Keeps what happened for the debug view. */
export class HistoryObserver implements AgentObserver {
  readonly #history: History

  constructor(history: History) {
    this.#history = history
  }

  phaseChanged({ id, status }: ToldVolume, from: Phase | null): void {
    const event = `phase ${from ?? 'none'} -> ${status.phase ?? 'none'}`
    this.#history.add({ volume: id, event, durationMs: null, reason: status.reason, message: status.message })
  }

  stagePassed({ id }: ToldVolume, { name, durationMs }: Stage): void {
    this.#history.add({ volume: id, event: name, durationMs, reason: null, message: null })
  }

  actEnded({ id }: ToldVolume, { verb, durationMs, error }: ActEnd): void {
    if (error === null) return
    this.#history.add({ volume: id, event: `${verb} failed`, durationMs, reason: error.reason, message: error.message })
  }

  problem({ vm, volume, reason, message }: DesiredProblem): void {
    const about = [vm ?? '', volume ?? ''].filter((part) => part !== '').join('/')
    this.#history.add({ volume: about, event: 'desired state cannot be used whole', durationMs: null, reason, message })
  }

  note(): void {}

  failed(): void {}
}

/** Several observers as one. */
export function observers(all: readonly AgentObserver[]): AgentObserver {
  return {
    phaseChanged: (volume, from) => all.forEach((one) => one.phaseChanged(volume, from)),
    stagePassed: (volume, stage) => all.forEach((one) => one.stagePassed(volume, stage)),
    actEnded: (volume, end) => all.forEach((one) => one.actEnded(volume, end)),
    problem: (problem) => all.forEach((one) => one.problem(problem)),
    note: (event, fields) => all.forEach((one) => one.note(event, fields)),
    failed: (event, fields, error) => all.forEach((one) => one.failed(event, fields, error)),
  }
}
