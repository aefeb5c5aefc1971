import { mkdir, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DaemonDirectories } from '../support/daemon.ts'
import { clearAfterDeath } from '../support/janitor.ts'
import type { Teardown } from '../support/lab.ts'

/** What the quickstart started; `close` ends it in the opposite order, also when only a part came to be. */
export class World implements Teardown {
  readonly directories: DaemonDirectories
  readonly #endings: (() => unknown)[] = []

  private constructor(base: string) {
    this.directories = { base, state: join(base, 'state'), run: join(base, 'run'), manifests: join(base, 'vms.d') }
  }

  static async open(): Promise<World> {
    const base = await mkdtemp(join(tmpdir(), 'hotplugd-quickstart-'))
    clearAfterDeath('-', base)
    const world = new World(base)
    world.teardown(() => rm(base, { recursive: true, force: true }))
    await mkdir(world.directories.manifests)
    return world
  }

  teardown(ending: () => unknown): void {
    this.#endings.push(ending)
  }

  /** An empty raw image. */
  async image(name: string, sizeBytes: number): Promise<string> {
    const path = join(this.directories.base, name)
    await writeFile(path, '')
    await truncate(path, sizeBytes)
    return path
  }

  async close(): Promise<void> {
    for (let end = this.#endings.pop(); end; end = this.#endings.pop()) await end()
  }
}
