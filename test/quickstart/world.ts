import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { makeBlockDevice, startGuest, startLibvirtHost, type BlockDevice, type Guest, type LibvirtHost } from '../support/lab.ts'
import { clearAfterDeath } from '../support/janitor.ts'
import { startHotplugd, type Hotplugd } from './hotplugd.ts'

/** Everything that the quickstart starts; `close` ends it in the opposite order, also when only a part came to be. */
export class World {
  readonly directory: string
  readonly #endings: (() => Promise<void>)[] = []

  private constructor(directory: string) {
    this.directory = directory
  }

  static async open(): Promise<World> {
    const world = new World(await mkdtemp(join(tmpdir(), 'hotplugd-quickstart-')))
    clearAfterDeath('-', world.directory)
    world.#endings.push(() => rm(world.directory, { recursive: true, force: true }))
    return world
  }

  async libvirt(): Promise<LibvirtHost> {
    return this.#keep(await startLibvirtHost(), (host) => host.stop())
  }

  guest(host: LibvirtHost): Promise<Guest> {
    return startGuest(host, { name: 'vm1' })
  }

  async hotplugd(host: LibvirtHost): Promise<Hotplugd> {
    return this.#keep(await startHotplugd(this.directory, host.uri), (daemon) => daemon.stop())
  }

  async blockDevice(sizeBytes: number): Promise<BlockDevice> {
    return this.#keep(await makeBlockDevice(sizeBytes), (device) => device.dispose())
  }

  /** An empty raw image. */
  async image(name: string, sizeBytes: number): Promise<string> {
    const path = join(this.directory, name)
    await writeFile(path, '')
    await truncate(path, sizeBytes)
    return path
  }

  async close(): Promise<void> {
    for (let end = this.#endings.pop(); end; end = this.#endings.pop()) await end()
  }

  #keep<T>(thing: T, end: (thing: T) => Promise<void>): T {
    this.#endings.push(() => end(thing))
    return thing
  }
}
