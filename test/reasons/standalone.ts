import { join } from 'node:path'
import type { Test } from 'tap'
import { type Daemon, startDaemon } from '../support/daemon.ts'
import { type Guest, type LibvirtHost, startGuest, startLibvirtHost, until } from '../support/lab.ts'
import { deleteManifest, type ManifestVolume, writeManifest } from '../system/manifest.ts'
import { makeDirectory, makeFile, MIB } from '../system/user-scene.ts'
import type { Cases } from './case.ts'
import { AGENT } from './standalone-agent.ts'
import { LIBVIRT } from './standalone-libvirt.ts'
import { MANIFEST } from './standalone-manifest.ts'
import { PROGRESS } from './standalone-progress.ts'
import { SOURCE } from './standalone-source.ts'
import { VM } from './standalone-vm.ts'
import { WISH } from './standalone-wish.ts'

/** What all cases of a libvirt host share: one libvirt with the guest `vm1`, one daemon, one directory for images. */
export class Standalone {
  readonly host: LibvirtHost
  readonly guest: Guest
  /** Waits for libvirt as long as a case may take. */
  readonly daemon: Daemon
  readonly directory: string
  readonly #wanted = new Map<string, string | ManifestVolume>()
  readonly #t: Test
  #impatient: Promise<Daemon> | null = null

  constructor(t: Test, parts: Pick<Standalone, 'host' | 'guest' | 'daemon' | 'directory'>) {
    this.#t = t
    this.host = parts.host
    this.guest = parts.guest
    this.daemon = parts.daemon
    this.directory = parts.directory
  }

  at(name: string): string {
    return join(this.directory, name)
  }

  image(name: string, sizeBytes = MIB): Promise<string> {
    return makeFile(this.at(name), sizeBytes)
  }

  /** Has the manifest of vm1 ask for it too; it is wanted no more at the end of the test. */
  async want(t: Test, volume: string, spec: string | ManifestVolume): Promise<void> {
    t.teardown(() => this.#unwant(volume))
    this.#wanted.set(volume, spec)
    await this.#write()
  }

  /** A second daemon beside the first, whose calls to libvirt have one second. */
  impatient(): Promise<Daemon> {
    this.#impatient ??= startDaemon(this.#t, { libvirt: this.host.uri, flags: ['--call-deadline', '1s'] })
    return this.#impatient
  }

  /** Waits until nothing of any case is left. */
  async isEmpty(): Promise<void> {
    await until('nothing to be left', async () => (await this.daemon.volumes('vm1')).length === 0)
    await this.guest.waitForDisks([])
  }

  async #unwant(volume: string): Promise<void> {
    this.#wanted.delete(volume)
    await this.#write()
  }

  async #write(): Promise<void> {
    if (this.#wanted.size === 0) await deleteManifest(this.daemon, 'vm1.yaml')
    else await writeManifest(this.daemon, 'vm1', Object.fromEntries(this.#wanted))
  }
}

export async function startStandalone(t: Test): Promise<Standalone> {
  const directory = await makeDirectory(t)
  const host = await startLibvirtHost(t)
  const guest = await startGuest(host)
  return new Standalone(t, { host, guest, directory, daemon: await startDaemon(t, { libvirt: host.uri, flags: ['--call-deadline', '5m'] }) })
}

/** Every case of a libvirt host. */
export const STANDALONE = { ...PROGRESS, ...SOURCE, ...WISH, ...MANIFEST, ...VM, ...LIBVIRT, ...AGENT } satisfies Cases<Standalone>
