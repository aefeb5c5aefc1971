import { mkdir, mkdtemp, open, rm, truncate } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Test } from 'tap'
import { type Daemon, type DaemonOptions, startDaemon, type VolumeEntry } from '../support/daemon.ts'
import { type Guest, type GuestOptions, type LibvirtHost, startGuest, startLibvirtHost, type Teardown } from '../support/lab.ts'

export const MIB = 1 << 20

/** What a user has: a libvirt, one running guest `vm1`, and the real daemon beside them. */
export interface Scene {
  readonly host: LibvirtHost
  readonly guest: Guest
  readonly daemon: Daemon
}

export async function startScene(t: Test, options: { guest?: GuestOptions; daemon?: Partial<DaemonOptions> } = {}): Promise<Scene> {
  const host = await startLibvirtHost(t)
  const guest = await startGuest(host, options.guest)
  return { host, guest, daemon: await startDaemon(t, { libvirt: host.uri, ...options.daemon }) }
}

/** A directory below the system's temporary one, gone after the test. */
export async function makeDirectory(t: Teardown): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'hotplugd-user-'))
  t.teardown(() => rm(path, { recursive: true, force: true }))
  return path
}

/** A sparse file; its directory is made as well. */
export async function makeFile(path: string, sizeBytes: number): Promise<string> {
  await mkdir(dirname(path), { recursive: true })
  await (await open(path, 'w')).close()
  await truncate(path, sizeBytes)
  return path
}

/** A sparse raw image, gone after the test. */
export async function makeImage(t: Teardown, sizeBytes = MIB, name = 'image.img'): Promise<string> {
  return makeFile(join(await makeDirectory(t), name), sizeBytes)
}

/** `--wait`s with the real command line until the guest has the disk. Throws what hotplugctl said otherwise. */
export async function plug(daemon: Daemon, vm: string, volume: string, source: string, ...flags: readonly string[]): Promise<VolumeEntry> {
  await ctl(daemon, 'addvolume', vm, `--volume-name=${volume}`, `--source=${source}`, ...flags, '--wait', '--timeout=60s')
  return daemon.ready(vm, volume)
}

export async function unplug(daemon: Daemon, vm: string, volume: string, ...flags: readonly string[]): Promise<void> {
  await ctl(daemon, 'removevolume', vm, `--volume-name=${volume}`, ...flags, '--wait', '--timeout=60s')
}

/** hotplugctl that is to succeed; what it printed. */
export async function ctl(daemon: Daemon, ...args: readonly string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await daemon.ctl(...args)
  if (exitCode !== 0) throw new Error(`hotplugctl ${args.join(' ')} ended with ${exitCode}: ${stderr}${stdout}`)
  return stdout
}

/** The `<disk>` of a volume in the live (or `--inactive`) XML; null if there is none. */
export async function diskXml(host: LibvirtHost, vm: string, volume: string, ...flags: readonly string[]): Promise<string | null> {
  const xml = await host.virsh('dumpxml', ...flags, vm)
  const disks = xml.split('<disk ').slice(1).map((part) => `<disk ${part.slice(0, part.indexOf('</disk>'))}`)
  return disks.find((disk) => disk.includes(`<alias name='ua-${volume}'/>`)) ?? null
}
