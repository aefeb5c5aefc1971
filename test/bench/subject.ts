import { setTimeout as sleep } from 'node:timers/promises'
import { type Answer, type Daemon, type DaemonOptions, type VolumeEntry, spawnDaemon } from '../support/daemon.ts'
import { dequantised, type Instant, monotonicMs, nextWallTick } from './clocks.ts'
import { parseMetrics, type Metrics } from './metrics.ts'
import { cpuMs } from './process-facts.ts'
import type { Scope } from './scope.ts'
import type { Source } from './sources.ts'

/** One volume's way in, in ms. */
export interface Plug {
  /** Request about to be sent → libvirt's attach returned, as the agent saw it. */
  readonly requestMs: number
  /** Request about to be sent → the plug began: transport, checks, look-up of the source. */
  readonly arrivalMs: number
  readonly stages: Readonly<Record<string, number>>
}

interface Where {
  readonly vm: string
  readonly name: string
  readonly everyMs: number
}

const LOOK_MS = 3
/** Where the agent itself tells when it was: each look costs it time, just while it plugs. */
const SELDOM_MS = 15
const IDLE_LOOK_MS = 15
const IDLE_CPU_MS = 0.5
const PATIENCE_MS = 60_000
/** Requests under way at once when many are to be made. */
const AT_ONCE = 16

/** The agent that is measured: a real hotplugd with its default log level, asked over its socket. */
export class Subject {
  readonly daemon: Daemon

  constructor(daemon: Daemon) {
    this.daemon = daemon
  }

  /** Asks for a volume; resolves when the agent has taken the wish. */
  async request(vm: string, name: string, source: Source): Promise<void> {
    expectTaken(await this.daemon.add(vm, name, source.path))
  }

  async withdraw(vm: string, name: string): Promise<void> {
    expectTaken(await this.daemon.remove(vm, name))
  }

  /** Plugs one volume and resolves when it is Ready. */
  async plug(vm: string, name: string, source: Source): Promise<Plug> {
    const tick = nextWallTick()
    const sentMs = monotonicMs()
    await this.request(vm, name, source)
    return plugOf(await this.ready(vm, name, SELDOM_MS), tick, sentMs)
  }

  /** How long the least of requests takes, there and back. */
  async roundTripMs(): Promise<number> {
    const sentMs = monotonicMs()
    await this.daemon.call('GET', '/livez')
    return monotonicMs() - sentMs
  }

  /** Takes one volume out; resolves when it is gone, with the ms from the request to the first look that found it released. */
  async unplug(vm: string, name: string): Promise<number> {
    const sentMs = monotonicMs()
    await this.withdraw(vm, name)
    await this.released(vm, name)
    const ms = monotonicMs() - sentMs
    await this.gone(vm, name)
    return ms
  }

  /** Looks every `everyMs` until the volume is Ready. */
  ready(vm: string, name: string, everyMs = LOOK_MS): Promise<VolumeEntry> {
    return this.#look({ vm, name, everyMs }, (volume) => (volume?.phase === 'Ready' ? volume : null))
  }

  /** Nothing of it is left in the domain; its entry may be shown a moment longer, with the stages it passed. */
  async released(vm: string, name: string, everyMs = LOOK_MS): Promise<void> {
    await this.#look({ vm, name, everyMs }, (volume) => volume === null || volume.stages?.some((stage) => stage.name === 'released') === true)
  }

  /** Its name is free again. */
  async gone(vm: string, name: string, everyMs = LOOK_MS): Promise<void> {
    await this.#look({ vm, name, everyMs }, (volume) => volume === null)
  }

  /** One volume as the API tells it: cheap also in a VM with hundreds. */
  async volume(vm: string, name: string): Promise<VolumeEntry | null> {
    const [namespace, domain] = vm.includes('/') ? vm.split('/') : ['default', vm]
    const path = `/apis/hotplugd.io/v1/namespaces/${namespace}/virtualmachineinstances/${domain}/volumes/${name}`
    const { status, body } = await this.daemon.call('GET', path)
    return status === 200 ? (body as VolumeEntry) : null
  }

  /**
   * Has the agent held (SIGSTOP) while the yardstick works, so that neither disturbs the other: it would read each domain
   * that the yardstick changes. Returns when it has done with what it heard afterwards.
   */
  async aside<T>(act: () => Promise<T>): Promise<T> {
    this.daemon.child.kill('SIGSTOP')
    try {
      return await act()
    } finally {
      this.daemon.child.kill('SIGCONT')
      await this.idle()
    }
  }

  /** Resolves once the agent has next to nothing to do. */
  async idle(): Promise<void> {
    for (let before = -Infinity, now = await cpuMs(this.daemon.pid); now - before > IDLE_CPU_MS; ) {
      before = now
      await sleep(IDLE_LOOK_MS)
      now = await cpuMs(this.daemon.pid)
    }
  }

  async metrics(): Promise<Metrics> {
    return parseMetrics((await this.daemon.call('GET', '/metrics')).text)
  }

  async #look<T>({ vm, name, everyMs }: Where, judge: (volume: VolumeEntry | null) => T | null | false): Promise<T> {
    const endMs = monotonicMs() + PATIENCE_MS
    for (;;) {
      const volume = await this.volume(vm, name)
      const found = judge(volume)
      if (found !== null && found !== false) return found
      if (monotonicMs() > endMs) throw new Error(`${name} of ${vm} after ${PATIENCE_MS} ms: ${JSON.stringify(volume)}`)
      await sleep(everyMs)
    }
  }
}

/** Starts a hotplugd as its users would and waits until it is ready. */
export async function startSubject(scope: Scope, options: DaemonOptions): Promise<Subject> {
  const daemon = await spawnSubject(scope, options)
  return new Subject(await daemon.waitReady())
}

/** The same without waiting. */
export function spawnSubject(scope: Scope, options: DaemonOptions): Promise<Daemon> {
  return spawnDaemon(scope, { ...options, flags: ['--log-level', 'info', ...(options.flags ?? [])] })
}

/** Does something for each of many, in order, a few at once. */
export async function forEachAtOnce<T>(items: readonly T[], act: (item: T, index: number) => Promise<void>, atOnce = AT_ONCE): Promise<void> {
  const rest = items.entries()
  const work = async (): Promise<void> => {
    for (const [index, item] of rest) await act(item, index)
  }
  await Promise.all(Array.from({ length: atOnce }, work))
}

/** When the attach of a Ready volume returned, in ms since the epoch. */
export function attachedAtMs({ name, stages = [] }: VolumeEntry): number {
  const attached = stages.find((stage) => stage.name === 'attached')
  if (attached === undefined) throw new Error(`${name} does not say when it was attached: ${JSON.stringify(stages)}`)
  return Date.parse(attached.startedAt) + attached.durationMs
}

/** What a Ready volume tells of its way in, begun at `sentMs` by CLOCK_MONOTONIC. */
export function plugOf({ name, stages = [] }: VolumeEntry, tick: Instant, sentMs: number): Plug {
  const first = stages.find((stage) => stage.name === 'discovered')
  if (first === undefined) throw new Error(`${name} does not tell its stages`)
  const sentWallMs = tick.wallMs + (sentMs - tick.monotonicMs)
  const arrivalMs = dequantised(Date.parse(first.startedAt), sentWallMs) - sentWallMs
  const durations = Object.fromEntries(stages.map((stage) => [stage.name, stage.durationMs]))
  const { discovered = 0, exposed = 0, attached = 0 } = durations
  return { arrivalMs, requestMs: arrivalMs + discovered + exposed + attached, stages: durations }
}

function expectTaken({ status, text }: Answer): void {
  if (status !== 202) throw new Error(`the agent refused: ${status} ${text}`)
}
