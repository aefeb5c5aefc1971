import { chown, mkdtemp, open, rm, truncate } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run } from './command.ts'
import { clearAfterDeath } from './janitor.ts'
import type { Teardown } from './libvirt-host.ts'

/** A block device of its own: a loop device over a sparse file. */
export class BlockDevice {
  /** `/dev/loopN` */
  readonly path: string
  readonly backingFile: string
  readonly #directory: string

  constructor(path: string, backingFile: string, directory: string) {
    this.path = path
    this.backingFile = backingFile
    this.#directory = directory
  }

  /** Makes file and device larger. */
  async grow(sizeBytes: number): Promise<void> {
    await truncate(this.backingFile, sizeBytes)
    await run('losetup', ['--set-capacity', this.path])
  }

  /** What is on the device, past the page cache. */
  async read(offset: number, length: number): Promise<Buffer> {
    await run('blockdev', ['--flushbufs', this.path])
    const file = await open(this.path, 'r')
    try {
      return (await file.read(Buffer.alloc(length), 0, length, offset)).buffer
    } finally {
      await file.close()
    }
  }

  async write(offset: number, bytes: Uint8Array): Promise<void> {
    const file = await open(this.path, 'r+')
    try {
      await file.write(bytes, 0, bytes.length, offset)
      await file.datasync()
    } finally {
      await file.close()
    }
  }

  /** A device still open somewhere goes when it is closed there. */
  async dispose(): Promise<void> {
    await run('losetup', ['--detach', this.path])
    await rm(this.#directory, { recursive: true, force: true })
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose()
  }
}

const ASIDE = 4_096
let aside = 0

/**
 * A loop device with a number that `losetup --find` gives to nobody: for tests that take its file away and give it another.
 * In between it is free, and with a number of the usual ones whoever looks for a free one at that moment would have it.
 */
export const loopAside = async (file: string): Promise<string> => {
  const path = `/dev/loop${ASIDE + (process.pid % 100_000) * 4 + (aside++ % 4)}`
  await run('losetup', [path, file])
  return path
}

const findLoop = async (file: string): Promise<string> => (await run('losetup', ['--find', '--show', file])).trim()

/** With `t` it is gone after the test. Needs root. @param sizeBytes a multiple of 512 */
export const makeBlockDevice = async (sizeBytes: number, t?: Teardown, loop = findLoop): Promise<BlockDevice> => {
  const directory = await mkdtemp(join(tmpdir(), 'hotplugd-block-'))
  const backingFile = join(directory, 'backing')
  await (await open(backingFile, 'w')).close()
  await truncate(backingFile, sizeBytes)
  const path = await loop(backingFile)
  await chown(path, 0, 0) // a libvirt with dynamic ownership may have had this number before, and died
  clearAfterDeath(path, directory)
  const device = new BlockDevice(path, backingFile, directory)
  t?.teardown(() => device.dispose())
  return device
}
