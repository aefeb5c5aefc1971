import { cp, mkdir, stat } from 'node:fs/promises'
import { release } from 'node:os'
import { run } from '../command.ts'
import { cached, fileStamp } from '../cache.ts'
import type { Keeper } from './keeper.ts'

const CACHE = '/var/cache/libvirt/qemu'

const PROGRAMS = ['/usr/sbin/libvirtd', '/usr/bin/qemu-system-x86_64']

/** Everything that makes libvirt probe QEMU anew: it looks at the time of installation too. Also what a saved guest depends on. */
export const hypervisorStamps = async (): Promise<string[]> => {
  const installed = async (path: string): Promise<string> => `${await fileStamp(path)} ${(await stat(path)).ctimeMs}`
  return [...(await Promise.all(PROGRAMS.map(installed))), release()]
}

/** Puts what libvirt once learned about QEMU (seconds of probing) into the namespace, if an earlier run has kept it. */
export const warm = async (keeper: Keeper, learn: (into: string) => Promise<void>): Promise<void> => {
  const directory = await cached('capabilities', await hypervisorStamps(), learn)
  await mkdir(keeper.root + CACHE, { recursive: true })
  await cp(directory, keeper.root + CACHE, { recursive: true, preserveTimestamps: true })
}

/** Makes a running daemon probe QEMU, and keeps what it learned. */
export const keepCapabilities = async (keeper: Keeper, uri: string, into: string): Promise<void> => {
  await run('virsh', ['--connect', uri, 'capabilities'])
  await cp(keeper.root + CACHE, into, { recursive: true, preserveTimestamps: true })
}
