import { setTimeout as sleep } from 'node:timers/promises'
import type { Attachment, Storage } from '../../system/kubernetes/scene.ts'
import { monotonicMs } from '../clocks.ts'
import { sumOf } from '../metrics.ts'
import { childTraces, cpuMs } from '../process-facts.ts'
import { durationMs } from '../yardstick.ts'
import { plugMany, unplugMany, type WayIn, type WayOut } from './hand.ts'
import type { Kind } from './own-disks.ts'
import { DOMAIN, type Stage } from './stage.ts'

/** What one way in or out cost the agent. */
export interface Cost {
  readonly cpuMs: number
  /** Writes of VMI status that it sent, whatever became of them. */
  readonly writes: number
  readonly forked: boolean
}

/** One volume in and out again by the agent, and one by the yardstick. */
export interface Round {
  readonly kind: Kind
  readonly in: WayIn & Cost
  readonly out: WayOut & Cost
  readonly attachMs: number
  readonly detachMs: number
}

export interface Run {
  readonly rounds: number
  /** Each round takes at least so long. @default 0 */
  readonly paceMs?: number
  readonly tell?: (done: number) => void
}

/**
 * The agent writes five times a second on the average at the most, Events included: so long until it may write as it likes
 * again after one volume went in and out. Without it a bench would measure that rate.
 */
export const PACE_MS = 1_200

export interface Volume {
  readonly kind: Kind
  readonly storage: Storage
}

/** Agent and yardstick plug into the same domain, now the one first, now the other, a block device and an image by turns. */
export async function runRounds(stage: Stage, volumes: readonly Volume[], attachment: Attachment, { rounds, paceMs = 0, tell = () => {} }: Run): Promise<Round[]> {
  const all: Round[] = []
  for (let i = 0; i < rounds; i++) {
    const beganMs = monotonicMs()
    const volume = volumes[i % volumes.length]
    if (volume === undefined) throw new Error('there is nothing to plug')
    const agentFirst = Math.floor(i / volumes.length) % 2 === 0
    const before = agentFirst ? null : await byYardstick(stage, volume.kind)
    const ways = await byAgent(stage, volume, attachment)
    all.push({ kind: volume.kind, ...ways, ...(before ?? (await byYardstick(stage, volume.kind))) })
    await sleep(Math.max(0, beganMs + paceMs - monotonicMs()))
    tell(i + 1)
  }
  return all
}

async function byAgent(stage: Stage, { storage }: Volume, attachment: Attachment): Promise<Pick<Round, 'in' | 'out'>> {
  const [wayIn, inCost] = await costing(stage, async () => (await plugMany(stage, [storage], attachment))[0])
  const [wayOut, outCost] = await costing(stage, async () => (await unplugMany(stage, [storage]))[0])
  if (wayIn === undefined || wayOut === undefined) throw new Error('nothing was plugged')
  return { in: { ...wayIn, ...inCost }, out: { ...wayOut, ...outCost } }
}

async function byYardstick({ subject, yardstick, plans }: Stage, kind: Kind): Promise<Pick<Round, 'attachMs' | 'detachMs'>> {
  const [plan] = plans[kind]
  if (plan === undefined) throw new Error('the yardstick has nothing to plug')
  return subject.aside(async () => {
    const attachMs = durationMs(await yardstick.attach(DOMAIN, plan))
    return { attachMs, detachMs: durationMs(await yardstick.detach(DOMAIN, plan)) }
  })
}

async function costing<T>(stage: Stage, act: () => Promise<T>): Promise<[T, Cost]> {
  const { pid } = stage.subject.daemon
  const [writes, traces] = [await writesOf(stage), await childTraces(pid)]
  await stage.subject.idle()
  const cpu = await cpuMs(pid)
  const result = await act()
  const cost = { cpuMs: (await cpuMs(pid)) - cpu, forked: (await childTraces(pid)) !== traces, writes: (await writesOf(stage)) - writes }
  return [result, cost]
}

export async function writesOf({ subject }: Stage): Promise<number> {
  return sumOf(await subject.metrics(), 'hotplugd_api_status_writes_total')
}
