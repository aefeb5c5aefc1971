import { setTimeout as sleep } from 'node:timers/promises'
import { type Figure, boundFigure, ratioFigure } from '../../figure.ts'
import type { Scope } from '../../scope.ts'
import type { Bench, Measurement } from '../../setting.ts'
import { median, spreadOf } from '../../statistics.ts'
import { plugMany, unplugMany } from '../hand.ts'
import type { Kind } from '../own-disks.ts'
import { DOMAIN, makeStorages, setUpStage, type Stage } from '../stage.ts'

const TEN = Array.from({ length: 10 }, (_, i) => `v${i}`)
const KINDS: readonly Kind[] = ['block', 'image']
/** Until the agent, with its writes and Events of ten volumes behind it, may write as it likes again; see PACE_MS. */
const PAUSE_MS = 4_000
const MOST_IN = 1.1
const MOST_BEHIND_MS = 30
const MOST_OUT_MS = 150

/** KubeVirt's own node side tells none to be Ready before the last is. */
export const ten: Measurement = { ids: ['TEN'], title: 'ten volumes at once, in and out', measure }

interface Samples {
  readonly lastInMs: number[]
  readonly allReadyMs: number[]
  /** The one that was told to be Ready longest after its own attach. */
  readonly behindMs: number[]
  readonly lastOutMs: number[]
  readonly ownInMs: number[]
  readonly ownOutMs: number[]
}

async function measure(bench: Bench, scope: Scope): Promise<readonly Figure[]> {
  const figures: Figure[] = []
  for (const kind of KINDS) figures.push(...(await measureKind(bench, scope.inner(), kind)))
  return figures
}

async function measureKind(bench: Bench, scope: Scope, kind: Kind): Promise<Figure[]> {
  const stage = await setUpStage(bench, scope, { disks: TEN.length })
  const samples: Samples = { lastInMs: [], allReadyMs: [], behindMs: [], lastOutMs: [], ownInMs: [], ownOutMs: [] }
  const storages = await makeStorages(stage, kind, TEN)
  const attachment = await stage.scene.attach(stage.vm, storages)
  const rounds = bench.quick ? 3 : 20
  for (let round = -1; round < rounds; round++) { // the first warms up
    const ins = await plugMany(stage, storages, attachment)
    await sleep(PAUSE_MS)
    const outs = await unplugMany(stage, storages)
    const own = await byYardstick(stage, kind)
    await sleep(PAUSE_MS)
    if (round < 0) continue
    samples.lastInMs.push(Math.max(...ins.map(({ requestMs }) => requestMs)))
    samples.allReadyMs.push(Math.max(...ins.map(({ readyMs }) => readyMs)))
    samples.behindMs.push(Math.max(...ins.map(({ readyMs, requestMs }) => readyMs - requestMs)))
    samples.lastOutMs.push(Math.max(...outs.map(({ goneMs }) => goneMs)))
    samples.ownInMs.push(own.inMs)
    samples.ownOutMs.push(own.outMs)
    bench.progress.step(`TEN, ${kind}`, round + 1, rounds)
  }
  await scope.end()
  return figuresOf(kind, samples)
}

/** Ten calls, one after the other. */
function byYardstick({ subject, yardstick, plans }: Stage, kind: Kind): Promise<{ readonly inMs: number; readonly outMs: number }> {
  return subject.aside(async () => {
    const attaches = await Promise.all(plans[kind].map((plan) => yardstick.attach(DOMAIN, plan)))
    const detaches = await Promise.all(plans[kind].map((plan) => yardstick.detach(DOMAIN, plan)))
    const wallMs = (calls: typeof attaches): number => (calls.at(-1)?.endMs ?? NaN) - (calls[0]?.startMs ?? NaN)
    return { inMs: wallMs(attaches), outMs: wallMs(detaches) }
  })
}

function figuresOf(kind: Kind, { lastInMs, allReadyMs, behindMs, lastOutMs, ownInMs, ownOutMs }: Samples): Figure[] {
  const parts = { id: 'TEN', unit: 'ms' } as const
  const n = `median of ${lastInMs.length}`
  return [
    ratioFigure({ ...parts, what: `ten at once, ${kind}: uid → last disk in domain, ${n}; against ten attaches by C`, measured: median(lastInMs), yardstick: median(ownInMs), spread: spreadOf(ownInMs, median), atMost: MOST_IN, notes: [`${kind}: uid → all Ready, median ${Math.round(median(allReadyMs))} ms`] }),
    boundFigure({ ...parts, what: `ten at once, ${kind}: the attach of one → its own Ready, the slowest, ${n}`, measured: median(behindMs), atMost: MOST_BEHIND_MS }),
    boundFigure({ ...parts, what: `ten out at once, ${kind}: spec → last disk gone, ${n}; beside ten detaches by C`, measured: median(lastOutMs), yardstick: median(ownOutMs), spread: spreadOf(ownOutMs, median), atMost: MOST_OUT_MS }),
  ]
}
