import { mkdtemp, readdir, readlink, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import type { Daemon } from '../support/daemon.ts'
import { type Guest, type GuestOptions, type LibvirtHost, startGuest, startLibvirtHost, until } from '../support/lab.ts'

/** Bytes of every image of these tests, unless they say otherwise. */
export const IMAGE_BYTES = 1 << 20

/** What a fault is injected into: a libvirt with one guest, and a directory for images. */
export interface Scene {
  readonly host: LibvirtHost
  readonly guest: Guest
  readonly directory: string
}

export async function openScene(t: Test, options: GuestOptions = {}): Promise<Scene> {
  const directory = await makeDirectory(t)
  const host = await startLibvirtHost(t)
  return { host, directory, guest: await startGuest(host, options) }
}

export async function makeDirectory(t: Test): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'hotplugd-system-'))
  t.teardown(() => rm(directory, { recursive: true, force: true }))
  return directory
}

/** A raw image that begins with its own name, so that the guest can tell which it has. */
export async function makeImage(directory: string, name: string): Promise<string> {
  const path = join(directory, name)
  const bytes = Buffer.alloc(IMAGE_BYTES)
  bytes.write(name)
  await writeFile(path, bytes)
  return path
}

/** `prefix0` … as images. */
export function makeImages(directory: string, prefix: string, count: number): Promise<string[]> {
  return Promise.all(Array.from({ length: count }, (_, i) => makeImage(directory, `${prefix}${i}`)))
}

/** What the guest reads where the image has its name. */
export async function nameInside(guest: Guest, serial: string): Promise<string> {
  const bytes = await guest.read(serial, 0, 512)
  return bytes.subarray(0, bytes.indexOf(0)).toString()
}

/** Aliases that a user gave, in the live XML, one per disk. */
export async function listedAliases(host: LibvirtHost, vm = 'vm1'): Promise<string[]> {
  const xml = await host.virsh('dumpxml', vm)
  return [...xml.matchAll(/<alias name='(ua-[^']*)'/g)].map(([, alias]) => alias ?? '').sort()
}

/** One finished act of the engine, from the daemon's log. */
export interface Act {
  readonly op: string
  readonly volume: string
  readonly reason?: string
}

/** Every act that the log tells of, those of earlier daemons in the same directories, too. */
export async function actsOf(daemon: Daemon, op?: string): Promise<Act[]> {
  const lines = (await daemon.log()).split('\n').filter((line) => line.startsWith('{') && line.includes('"opId"'))
  const acts = lines.map((line) => JSON.parse(line) as Act)
  return op === undefined ? acts : acts.filter((act) => act.op === op)
}

/** The engine's own account: `journal` and `operations` as `/debug/state` gives them. */
export async function engineState(daemon: Daemon): Promise<{ journal: EngineRecord[]; operations: { id: string; verb: string }[] }> {
  return (await daemon.call('GET', '/debug/state')).body as { journal: EngineRecord[]; operations: { id: string; verb: string }[] }
}

export interface EngineRecord {
  readonly step: string
  readonly key: { readonly vm: string; readonly volume: string }
  readonly identity: { readonly kind: string; readonly inode?: string; readonly device?: string }
}

/** Waits until the act is under way in the engine. */
export function underWay(daemon: Daemon, verb: string): Promise<unknown> {
  return until(`${verb} to be under way`, async () => (await engineState(daemon)).operations.some((operation) => operation.verb === verb))
}

/** The agent answers and says that it lives. */
export async function isAlive(t: Test, daemon: Daemon): Promise<void> {
  t.equal((await daemon.call('GET', '/livez')).status, 200, 'the agent is alive')
}

/** Guest and libvirt agree: exactly these volumes (serial = name), each once, and no read or write has failed. */
export async function hasExactly(t: Test, scene: Scene, volumes: readonly string[]): Promise<void> {
  await scene.guest.waitForDisks(volumes)
  t.same(await listedAliases(scene.host, scene.guest.name), volumes.map((name) => `ua-${name}`).sort(), 'libvirt lists each once')
  t.equal(await scene.guest.ioErrors(), 0, 'no I/O error in the guest')
}

/** Takes the volumes out and makes sure that nothing of them is left anywhere. */
export async function leave(t: Test, scene: Scene, daemon: Daemon, volumes: readonly string[]): Promise<void> {
  await Promise.all(volumes.map((name) => daemon.remove(scene.guest.name, name)))
  await Promise.all(volumes.map((name) => daemon.gone(scene.guest.name, name)))
  await scene.guest.waitForDisks([])
  await isClean(t, scene, daemon)
  await daemon.stop()
}

/** Nothing plugged, nothing journalled, nothing under way, none of the scene's files open in QEMU. */
export async function isClean(t: Test, scene: Scene, daemon: Daemon): Promise<void> {
  await until('nothing to be journalled or under way', async () => {
    const { journal, operations } = await engineState(daemon)
    if (journal.length === 0 && operations.length === 0) return true
    throw new Error(JSON.stringify({ journal, operations }))
  })
  const open = await openFiles(await scene.guest.qemuPid().catch(() => null))
  t.same(open.filter((path) => path.startsWith(scene.directory)), [], 'QEMU has none of the images open')
}

/** What a process has open; nothing if it is gone. */
export async function openFiles(pid: number | null): Promise<string[]> {
  const fds = await readdir(`/proc/${pid}/fd`).catch(() => [])
  return Promise.all(fds.map((fd) => readlink(`/proc/${pid}/fd/${fd}`).catch(() => '')))
}
