import type { SourceIdentity } from '../../../model/source.ts'
import { addon, type SizeQuestion } from '../binding.ts'

/**
 * Sizes of plugged sources, on the event loop. A file whose file system may have to wait for a server (or that nobody
 * knows yet) is asked on a thread, and the answer given is the last one.
 */
export class SizeReader {
  readonly #sysfs: string
  readonly #asking = new Set<string>()
  #last = new Map<string, number | null>()

  constructor(sysfs: string) {
    this.#sysfs = sysfs
  }

  now(questions: readonly SizeQuestion[]): (number | null)[] {
    const sizes = addon.sizesWithoutWaiting(questions, this.#sysfs)
    return questions.map((question, i) => {
      const size = sizes[i]
      return size === undefined ? this.#lastOf(question) : size
    })
  }

  #lastOf(question: SizeQuestion): number | null {
    const key = keyOf(question.path, question.identity)
    void this.#ask(key, question)
    return this.#last.get(key) ?? null
  }

  /** Answers are few (remote files only) and small; those nobody asks for again go when there are many. */
  async #ask(key: string, question: SizeQuestion): Promise<void> {
    if (this.#asking.has(key)) return
    this.#asking.add(key)
    if (this.#last.size > MOST_ANSWERS) this.#last = new Map()
    this.#last.set(key, await addon.sizeOfFile(question).catch(() => null))
    this.#asking.delete(key)
  }
}

const MOST_ANSWERS = 4_096

function keyOf(path: string, identity: SourceIdentity): string {
  return `${identity.kind === 'file' ? `${identity.filesystem}:${identity.inode}` : identity.device} ${path}`
}
