import type { Clock } from '../../ports/clock.ts'

/** Gives the turn back; a second call does nothing. */
export type Release = () => void

interface Waiter {
  readonly begin: () => void
}

/** One at a time per name, first come first served. libvirt does not survive every pair of calls on one domain. */
export class Turns {
  readonly #clock: Clock
  readonly #queues = new Map<string, Waiter[]>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Resolves when it is this caller's turn; null if that does not happen within `patienceMs`. */
  take(name: string, patienceMs: number): Promise<Release | null> {
    const queue = this.#queues.get(name)
    if (queue !== undefined) return this.#wait(name, queue, patienceMs)
    this.#queues.set(name, [])
    return Promise.resolve(this.#release(name))
  }

  #wait(name: string, queue: Waiter[], patienceMs: number): Promise<Release | null> {
    return new Promise((resolve) => {
      const cancel = this.#clock.after(patienceMs, () => {
        queue.splice(queue.indexOf(waiter), 1)
        resolve(null)
      })
      const waiter: Waiter = {
        begin: () => {
          cancel()
          resolve(this.#release(name))
        },
      }
      queue.push(waiter)
    })
  }

  #release(name: string): Release {
    let held = true
    return () => {
      if (!held) return
      held = false
      this.#next(name)
    }
  }

  #next(name: string): void {
    const next = this.#queues.get(name)?.shift()
    if (next === undefined) this.#queues.delete(name)
    else next.begin()
  }
}
