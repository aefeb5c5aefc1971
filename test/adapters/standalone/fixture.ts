import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import pino from 'pino'
import type { Test } from 'tap'
import { createManifestSource } from '../../../src/adapters/standalone/manifest-source.ts'
import { systemClock } from '../../../src/adapters/system-clock.ts'
import type { DesiredSnapshot, DesiredVolume } from '../../../src/model/desired.ts'
import { vmKey } from '../../../src/model/ids.ts'
import type { DesiredSource } from '../../../src/ports/desired-source.ts'
import { until } from '../../support/wait.ts'
import { scratch } from '../linux/scratch.ts'

export const log = pino({ level: 'silent' })

/** A manifest of one VM; each volume's source is /img/VM-VOLUME. */
export function manifest(vm: string, ...volumes: readonly string[]): string {
  const entries = volumes.map((name) => `\n  - name: ${name}\n    local: {path: /img/${vm}-${name}}`)
  return `apiVersion: kubevirt.io/v1\nkind: VirtualMachineInstance\nmetadata: {name: ${vm}}\nspec:\n  volumes:${entries.join('') || ' []'}\n`
}

export function request(vm: string, name: string, token = 'token'): DesiredVolume {
  const source = { kind: 'local', path: `/img/${name}`, format: 'raw' } as const
  const disk = { serial: name, readonly: false, shareable: false }
  return { vm: vmKey({ namespace: 'default', name: vm }), name, source, disk, persist: false, origin: { kind: 'request' }, token, vmUid: null }
}

/** `VM/VOLUME` of all that a snapshot wants. */
export function names({ volumes }: DesiredSnapshot): readonly string[] {
  return volumes.map((one) => `${one.vm.slice('default/'.length)}/${one.name}`).toSorted()
}

/** Keeps every snapshot that a source delivers. */
export class Follower {
  readonly all: DesiredSnapshot[] = []
  readonly take = (snapshot: DesiredSnapshot): void => void this.all.push(snapshot)

  get last(): DesiredSnapshot {
    const last = this.all.at(-1)
    if (last === undefined) throw new Error('no snapshot yet')
    return last
  }

  /** Waits until the last snapshot satisfies. */
  async until(what: string, satisfies: (snapshot: DesiredSnapshot) => boolean): Promise<DesiredSnapshot> {
    return until(`a snapshot with ${what}`, () => (satisfies(this.last) ? this.last : null))
  }

  async untilNames(...expected: readonly string[]): Promise<DesiredSnapshot> {
    return this.until(expected.join(' ') || 'nothing', (one) => one.synced && names(one).join(' ') === expected.join(' '))
  }

  async untilReason(reason: string): Promise<DesiredSnapshot> {
    return this.until(reason, (one) => one.problems.some((problem) => problem.reason === reason))
  }
}

/** A manifest directory, its state, and agents that come and go. */
export class ManifestRig {
  readonly directory: string
  readonly stateDir: string
  readonly #test: Test
  #running: DesiredSource | null = null

  private constructor(t: Test, dir: string) {
    this.#test = t
    this.directory = join(dir, 'vms.d')
    this.stateDir = join(dir, 'state')
  }

  static async make(t: Test): Promise<ManifestRig> {
    const rig = new ManifestRig(t, await scratch(t))
    mkdirSync(rig.directory)
    t.teardown(() => rig.stop())
    return rig
  }

  path(file: string): string {
    return join(this.directory, file)
  }

  write(file: string, text: string | Uint8Array): void {
    writeFileSync(this.path(file), text)
  }

  remove(file: string): void {
    rmSync(this.path(file))
  }

  /** A running source; what it tells. */
  async start(): Promise<Follower> {
    const follower = new Follower()
    this.#running = createManifestSource({ directory: this.directory, stateDir: this.stateDir, log, clock: systemClock, settleMs: 60, goneMs: 200, pollMs: 300 })
    await this.#running.start(follower.take)
    return follower
  }

  async stop(): Promise<void> {
    await this.#running?.close()
    this.#running = null
  }

  /** A tmpfs over the path, gone after the test. */
  mount(path: string, options = 'size=1m'): () => void {
    execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', path])
    let mounted = true
    const unmount = (): void => {
      if (mounted) execFileSync('umount', ['-l', path])
      mounted = false
    }
    this.#test.teardown(unmount)
    return unmount
  }
}
