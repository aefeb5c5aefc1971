import { join } from 'node:path'
import type { BaseLogger } from 'pino'
import type { RequestStore } from '../../agent/api.ts'
import { HotplugError } from '../../errors.ts'
import type { DesiredProblem, DesiredSnapshot, DesiredVolume } from '../../model/desired.ts'
import { type VolumeKey, volumeId } from '../../model/ids.ts'
import type { DesiredSource } from '../../ports/desired-source.ts'
import { KeyedFiles, type Unusable } from './keyed-files.ts'
import { openStateDirectory } from './state-directory.ts'

/** Where the state is, and who is told of trouble. */
export interface StateOptions {
  readonly stateDir: string
  readonly log: BaseLogger
}

/**
 * Opens the desired state that requests made: one file a volume below `stateDir/volumes`. Only one process may have it
 * open. A file that cannot be used stays where it is and makes its VM `unreadable`, so that nothing of it is removed.
 * Throws HotplugError `StateUnwritable` (errno in `detail`) or `StateFromNewerVersion`.
 */
export async function createRequestStore({ stateDir, log }: StateOptions): Promise<DesiredSource & RequestStore> {
  await openStateDirectory(stateDir)
  const files = new KeyedFiles(join(stateDir, 'volumes'), 'volume', log)
  return new Requests(files)
}

class Requests implements DesiredSource, RequestStore {
  readonly name = 'requests'
  readonly #files: KeyedFiles
  /** What is on the disk. */
  readonly #durable = new Map<string, DesiredVolume>()
  /** What is wanted, including what is only on its way to the disk. */
  readonly #wanted = new Map<string, DesiredVolume>()
  /** The last change that was asked for: only if that one fails the durable value is wanted again. */
  readonly #latest = new Map<string, symbol>()
  readonly #unusable = new Map<string, Unusable>()
  #listener: ((snapshot: DesiredSnapshot) => void) | null = null
  #delivery: 'idle' | 'busy' | 'again' = 'idle'

  constructor(files: KeyedFiles) {
    this.#files = files
    const { entries, unusable } = files.load()
    for (const { key, value } of entries) this.#take(key, value as DesiredVolume)
    for (const one of unusable) this.#unusable.set(`${one.vm}/${one.volume ?? ''}`, one)
  }

  start(listener: (snapshot: DesiredSnapshot) => void): Promise<void> {
    this.#listener = listener
    this.#deliver()
    return Promise.resolve()
  }

  /** Resolves when everything that was asked for is durable or was refused. */
  async close(): Promise<void> {
    this.#listener = null
    await this.#files.settled()
  }

  put(volume: DesiredVolume): Promise<void> {
    const key = { vm: volume.vm, volume: volume.name }
    return this.#change(key, volume, () => this.#files.put(key, volume))
  }

  remove(key: VolumeKey): Promise<void> {
    return this.#change(key, undefined, () => this.#files.remove(key))
  }

  async #change(key: VolumeKey, volume: DesiredVolume | undefined, save: () => Promise<void>): Promise<void> {
    const id = volumeId(key)
    const change = Symbol(id)
    this.#latest.set(id, change)
    this.#want(id, volume)
    try {
      await save()
    } catch (error) {
      if (this.#latest.get(id) === change) this.#want(id, this.#durable.get(id))
      throw error
    }
    set(this.#durable, id, volume)
    if (this.#unusable.delete(id)) this.#deliver()
  }

  #want(id: string, volume: DesiredVolume | undefined): void {
    set(this.#wanted, id, volume)
    this.#deliver()
  }

  /** The file's place says whose it is; a file that was copied elsewhere is not believed. */
  #take(key: VolumeKey, volume: DesiredVolume): void {
    const id = volumeId(key)
    if (volume.vm !== key.vm || volume.name !== key.volume) {
      this.#unusable.set(id, { ...key, path: id, why: `it is the file of ${volume.vm}/${volume.name}` })
      return
    }
    this.#durable.set(id, volume)
    this.#wanted.set(id, volume)
  }

  /** Never inside another delivery: a listener that changes something is called again afterwards. */
  #deliver(): void {
    if (this.#listener === null) return
    if (this.#delivery !== 'idle') return void (this.#delivery = 'again')
    try {
      do {
        this.#delivery = 'busy'
        this.#listener(this.#snapshot())
      } while (this.#isAskedAgain())
    } finally {
      this.#delivery = 'idle'
    }
  }

  #isAskedAgain(): boolean {
    return this.#delivery === 'again'
  }

  #snapshot(): DesiredSnapshot {
    const unusable = [...this.#unusable.values()]
    const unreadable = [...new Set(unusable.map((one) => one.vm))]
    return { synced: true, volumes: [...this.#wanted.values()], unreadable, problems: unusable.map(describe) }
  }
}

function set(map: Map<string, DesiredVolume>, id: string, volume: DesiredVolume | undefined): void {
  if (volume === undefined) map.delete(id)
  else map.set(id, volume)
}

function describe({ vm, volume, path, why }: Unusable): DesiredProblem {
  const what = volume === null ? 'the volumes of this VM' : `volume ${volume}`
  const error = new HotplugError('StateUnwritable', `${path}: ${what} cannot be used: ${why}`, {
    remedy: 'nothing of this VM is removed until the file is restored or deleted by hand and hotplugd restarted, or the volume is added again',
  })
  return { vm, volume, reason: error.reason, message: `${error.message}; ${error.remedy}` }
}
