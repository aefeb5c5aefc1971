import { mkdir, open, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import type { Test } from 'tap'
import { loopAside } from '../../support/block-device.ts'
import { run } from '../../support/command.ts'
import { scratch } from './scratch.ts'

export const MIB = 1024 * 1024

/** A sparse file. */
export async function makeImage(path: string, sizeBytes = 16 * MIB): Promise<string> {
  await (await open(path, 'w')).close()
  await truncate(path, sizeBytes)
  return path
}

/** A loop device over a file or device that exists; gone after the test. */
export async function loopOver(t: Test, path: string, ...flags: readonly string[]): Promise<string> {
  return untilEnd(t, (await run('losetup', ['--find', '--show', ...flags, path])).trim())
}

/** The same for a test that gives it another file. */
export async function swappableLoop(t: Test, path: string): Promise<string> {
  return untilEnd(t, await loopAside(path))
}

function untilEnd(t: Test, loop: string): string {
  t.teardown(() => run('losetup', ['--detach', loop]))
  return loop
}

/** The first partition of a disk, from 1 MiB on, told to the kernel without any table on the disk. */
export async function addPartition(t: Test, disk: string, number = 1, sizeBytes = 8 * MIB): Promise<string> {
  const [start, length] = [number * MIB, sizeBytes].map((bytes) => String(bytes / 512))
  await run('addpart', [disk, String(number), start ?? '', length ?? ''])
  t.teardown(() => run('delpart', [disk, String(number)]))
  return `${disk}p${number}`
}

/** Makes an ext4 and mounts it on a new directory. */
export async function mountNew(t: Test, device: string): Promise<string> {
  const at = join(await scratch(t), 'mnt with space')
  await mkdir(at)
  await run('mkfs.ext4', ['-q', '-F', device])
  await run('mount', [device, at])
  t.teardown(() => run('umount', [at]))
  return at
}

export async function swapOn(t: Test, path: string): Promise<void> {
  await run('mkswap', [path])
  await run('swapon', [path])
  t.teardown(() => run('swapoff', [path]))
}
