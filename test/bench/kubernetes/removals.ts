import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { aliasOf } from '../../../src/model/disk.ts'
import { monotonicMs } from '../clocks.ts'
import type { Scope } from '../scope.ts'

/** Hears from libvirt itself, beside the agent, which disks have left a domain. */
export class Removals {
  readonly #waits = new Map<string, (atMs: number) => void>()

  /** It listens long before the first volume has been plugged. */
  static start(uri: string, domain: string, scope: Scope): Removals {
    const removals = new Removals()
    const child = spawn('stdbuf', ['-oL', 'virsh', '--connect', uri, 'event', '--domain', domain, '--event', 'device-removed', '--loop'], { stdio: ['ignore', 'pipe', 'inherit'] })
    scope.teardown(async () => {
      if (child.exitCode !== null || child.signalCode !== null) return
      const gone = once(child, 'exit')
      child.kill('SIGKILL')
      await gone
    })
    createInterface(child.stdout).on('line', (line) => removals.#hear(line.trim().split(' ').at(-1) ?? '', monotonicMs()))
    return removals
  }

  /** When the volume's disk is gone from now on, by CLOCK_MONOTONIC. */
  gone(volume: string): Promise<number> {
    return new Promise((tell) => this.#waits.set(aliasOf(volume), tell))
  }

  #hear(alias: string, atMs: number): void {
    this.#waits.get(alias)?.(atMs)
    this.#waits.delete(alias)
  }
}
