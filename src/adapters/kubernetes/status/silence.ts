import type { VmStatus } from '../../../model/status.ts'
import type { Clock } from '../../../ports/clock.ts'

/** Whether the libvirt of a VM has been silent for so long that people are to be told: each restart is silent for a moment. */
export class Silence {
  readonly #clock: Clock
  readonly #toleratedMs: number
  readonly #onLong: () => void
  #cancel: (() => void) | null = null
  isLong = false

  constructor(clock: Clock, toleratedMs: number, onLong: () => void) {
    this.#clock = clock
    this.#toleratedMs = toleratedMs
    this.#onLong = onLong
  }

  hear({ volumes }: VmStatus): void {
    const isAway = volumes.some(({ reason }) => reason === 'LibvirtUnavailable')
    if (!isAway) return this.end()
    this.#cancel ??= this.#clock.after(this.#toleratedMs, () => {
      this.isLong = true
      this.#onLong()
    })
  }

  end(): void {
    this.#cancel?.()
    this.#cancel = null
    this.isLong = false
  }
}
