import type { Stage, StageName } from '../model/status.ts'
import type { Clock } from '../ports/clock.ts'

/** The stages of a volume's present way in or out, and the one it is in. */
export class Timeline {
  readonly #clock: Clock
  #stages: readonly Stage[] = []
  #open: { readonly name: StageName; readonly startedAt: string; readonly startMs: number } | null = null
  readonly #onStage: (stage: Stage) => void

  constructor(clock: Clock, onStage: (stage: Stage) => void) {
    this.#clock = clock
    this.#onStage = onStage
  }

  /** Finished stages, in order. */
  get stages(): readonly Stage[] {
    return this.#stages
  }

  /** The stage that is under way, for the explanation of a failure. */
  get current(): StageName | null {
    return this.#open?.name ?? null
  }

  /** Begins a new way: nothing passed yet, `name` under way. */
  restart(name: StageName): void {
    this.#stages = []
    this.begin(name)
  }

  /** The source's pod is waited for: the first stage of a way in, however often that is told. */
  awaitPod(): void {
    if (this.current !== 'podReady') this.restart('podReady')
  }

  /** Begins to plug, anew where an earlier try has failed. That its pod was waited for belongs to the same way. */
  beginPlug(): void {
    if (this.current === 'podReady') return this.pass('discovered')
    const [first] = this.#stages
    this.#stages = first?.name === 'podReady' && !this.#arrived() ? [first] : []
    this.begin('discovered')
  }

  begin(name: StageName): void {
    this.#open = { name, startedAt: new Date(this.#clock.now()).toISOString(), startMs: this.#clock.monotonicMs() }
  }

  /** The stage under way is passed; the next one, if any, begins at the same instant. */
  pass(next: StageName | null): void {
    if (this.#open === null) return
    const { name, startedAt, startMs } = this.#open
    const stage = { name, startedAt, durationMs: toMicroseconds(this.#clock.monotonicMs() - startMs) }
    this.#stages = [...this.#stages, stage]
    this.#open = null
    this.#onStage(stage)
    if (next !== null) this.begin(next)
  }

  #arrived(): boolean {
    return this.#stages.at(-1)?.name === 'reported'
  }

  /** The way ended without passing the stage under way. */
  abandon(): void {
    this.#open = null
  }
}

/** Milliseconds without the digits that only come of computing with fractions. */
function toMicroseconds(ms: number): number {
  return Math.round(ms * 1_000) / 1_000
}
