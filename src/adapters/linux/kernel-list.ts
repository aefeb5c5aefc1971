import { openSync, readSync } from 'node:fs'
import { addon } from './binding.ts'

const MOST_READINGS = 5

/**
 * A list that the kernel keeps and that can be asked whether it changed (/proc/self/mountinfo, /proc/swaps), for the life of the process. Read and
 * parsed again only then: on a host with many mounts that would cost more than everything else in looking a source up.
 */
export class KernelList<T> {
  readonly #path: string
  readonly #parse: (text: string) => T
  #fd: number | null = null
  #parsed: T | null = null

  constructor(path: string, parse: (text: string) => T) {
    this.#path = path
    this.#parse = parse
  }

  /** As of now. Throws what opening or reading throws. */
  now(): T {
    const fd = (this.#fd ??= openSync(this.#path, 'r'))
    if (addon.kernelListChanged(fd) || this.#parsed === null) this.#parsed = this.#parse(steadyText(fd))
    return this.#parsed
  }
}

/** A list that changes while it is read in parts may lack what was there all the time. */
function steadyText(fd: number): string {
  let text = wholeText(fd)
  for (let attempt = 0; attempt < MOST_READINGS && addon.kernelListChanged(fd); attempt++) text = wholeText(fd)
  return text
}

function wholeText(fd: number): string {
  const parts: Buffer[] = []
  for (let position = 0; ; ) {
    const part = Buffer.allocUnsafe(64 * 1024)
    const length = readSync(fd, part, 0, part.length, position)
    if (length === 0) return Buffer.concat(parts).toString()
    parts.push(part.subarray(0, length))
    position += length
  }
}
