import type { DiskPlan } from '../../../src/model/disk.ts'
import { monotonicMs, nextWallTick } from '../clocks.ts'
import { cpuMs } from '../process-facts.ts'
import type { Setting } from '../setting.ts'
import { attachedAtMs, forEachAtOnce } from '../subject.ts'

/** One of many volumes, and the disk that it is to become. */
export interface Member {
  readonly vm: string
  readonly plan: DiskPlan
}
export type Crowd = readonly Member[]

/** The agent says itself when each was attached; asking often would only slow it down. */
const READY_LOOK_MS = 50
/** The end of a removal is seen from outside, so exact to this. */
const RELEASED_LOOK_MS = 10

/** How many volumes went in. */
export interface MassPlug {
  /** First request sent, or first call begun → last attach returned. */
  readonly wallMs: number
  /** When each attach returned, counted from the begin, in the order in which they did. */
  readonly attachedMs: readonly number[]
  /** CPU time of the agent; 0 for the yardstick. */
  readonly cpuMs: number
}

export function crowd(vms: readonly string[], volumesEach: number, plan: (vm: number, volume: number) => DiskPlan): Crowd {
  return vms.flatMap((vm, v) => Array.from({ length: volumesEach }, (_, i) => ({ vm, plan: plan(v, i) })))
}

/** All requests as fast as the API takes them. */
export async function plugByAgent({ subject }: Setting, all: Crowd): Promise<MassPlug> {
  const cpuBefore = await cpuMs(subject.daemon.pid)
  const begin = nextWallTick()
  await forEachAtOnce(all, ({ vm, plan }) => subject.request(vm, plan.volume, { kind: plan.sourceKind, path: plan.path }))
  const entries = []
  for (const { vm, plan } of all) entries.push(await subject.ready(vm, plan.volume, READY_LOOK_MS))
  const attachedMs = entries.map((entry) => attachedAtMs(entry) - begin.wallMs).toSorted((a, b) => a - b)
  return { attachedMs, wallMs: attachedMs.at(-1) ?? NaN, cpuMs: (await cpuMs(subject.daemon.pid)) - cpuBefore }
}

/** First request sent → the last volume seen to be released, ms. */
export async function unplugByAgent({ subject }: Setting, all: Crowd): Promise<number> {
  const beginMs = monotonicMs()
  await forEachAtOnce(all, ({ vm, plan }) => subject.withdraw(vm, plan.volume))
  for (const { vm, plan } of all) await subject.released(vm, plan.volume, RELEASED_LOOK_MS)
  const ms = monotonicMs() - beginMs
  for (const { vm, plan } of all) await subject.gone(vm, plan.volume)
  return ms
}

/** One call after the other: all requests are in the yardstick's pipe at once. */
export async function plugByYardstick({ yardstick }: Setting, all: Crowd): Promise<MassPlug> {
  const calls = await Promise.all(all.map(({ vm, plan }) => yardstick.attach(vm, plan)))
  const beginMs = Math.min(...calls.map(({ startMs }) => startMs))
  const attachedMs = calls.map(({ endMs }) => endMs - beginMs)
  return { attachedMs, wallMs: attachedMs.at(-1) ?? NaN, cpuMs: 0 }
}

/** One synchronous detach after the other, ms in all. */
export async function unplugByYardstick({ yardstick }: Setting, all: Crowd): Promise<number> {
  const calls = await Promise.all(all.map(({ vm, plan }) => yardstick.detach(vm, plan)))
  return (calls.at(-1)?.endMs ?? NaN) - (calls[0]?.startMs ?? NaN)
}
