import type { Failure } from '../../../core/cluster/vmi-failure.ts'
import type { Clock } from '../../../ports/clock.ts'

/** The same cause is told again after this long without it. */
const QUIET_MS = 600_000

interface Cause {
  readonly reason: string
  toldMs: number
}

/** Which cause of trouble was told last of each volume of one VMI: each is told once for as long as it lasts. */
export class Warnings {
  readonly #clock: Clock
  readonly #causes = new Map<string, Map<string, Cause>>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Whether a failure of a volume is news. */
  isNew(volume: string, { reason }: Failure): boolean {
    const nowMs = this.#clock.monotonicMs()
    const known = this.#causes.get(volume) ?? new Map<string, Cause>()
    this.#causes.set(volume, known)
    const cause = known.get(reason)
    const isNew = cause === undefined || nowMs - cause.toldMs > QUIET_MS
    known.set(reason, { reason, toldMs: nowMs })
    return isNew
  }

  /** Forgets volumes that are no more. */
  keep(volumes: ReadonlySet<string>): void {
    for (const volume of this.#causes.keys()) if (!volumes.has(volume)) this.#causes.delete(volume)
  }
}
