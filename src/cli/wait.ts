import { REASONS, type Reason } from '../errors.ts'
import type { VolumeObject } from '../http/objects/volume-object.ts'
import { causeOf } from './cause.ts'
import type { WatchEvent } from './client.ts'
import { EXIT, Failure } from './failure.ts'
import { volumePath } from './paths.ts'
import { createProgress, type Progress } from './progress.ts'
import type { Session } from './session.ts'

/** An accepted request whose outcome is waited for. */
export interface Submitted {
  readonly namespace: string
  readonly vm: string
  readonly volume: string
  /** When the daemon received the request, by its own clock (ISO 8601): what is older is not its outcome. */
  readonly receivedAt: string
  readonly timeoutMs: number
  /** To be in the definition as well. */
  readonly persist: boolean
}

/** What an event means: the wait is over, goes on, or can never succeed. */
type Verdict = { readonly kind: 'done'; readonly line: string } | { readonly kind: 'waiting' } | { readonly kind: 'hopeless'; readonly failure: Failure }
type Judge = (event: WatchEvent<VolumeObject>) => Verdict

const WAITING: Verdict = { kind: 'waiting' }
const PROGRESS = ['VolumeReady', 'Plugging', 'Detaching', 'Synchronizing']

/** Shows the stages until the guest has the disk. Throws Failure `timeout`, or `refused` if waiting cannot help. */
export function waitReady(session: Session, submitted: Submitted): Promise<void> {
  return wait(session, submitted, event => {
    const volume = event.object
    if (event.type === 'BOOKMARK' || event.type === 'DELETED' || !isOutcome(volume, submitted.receivedAt)) return WAITING
    const isDone = volume.phase === 'Ready' && (!submitted.persist || volume.persisted === true)
    if (isDone) return { kind: 'done', line: `Volume ${volume.name} is in the guest as ${volume.target}, serial ${volume.serial}${totalOf(volume)}` }
    return isHopeless(volume) ? { kind: 'hopeless', failure: new Failure(EXIT.refused, `${causeOf(volume.message ?? '', volume)} (${volume.reason})`, volume.remedy ?? '') } : WAITING
  })
}

/** Shows the stages until the volume is gone. Throws Failure `timeout`. */
export function waitGone(session: Session, submitted: Submitted): Promise<void> {
  const gone: Verdict = { kind: 'done', line: `Volume ${submitted.volume} is out of the guest and released` }
  let isThere = false
  return wait(session, submitted, event => {
    if (event.type === 'DELETED') return gone
    if (event.type === 'BOOKMARK') return isThere ? WAITING : gone
    isThere = true
    return isNewPlug(event.object, submitted.receivedAt) ? gone : WAITING
  })
}

async function wait(session: Session, submitted: Submitted, judge: Judge): Promise<void> {
  const path = `${volumePath(submitted.namespace, submitted.vm, submitted.volume)}?watch=true`
  const progress = createProgress(session, submitted.receivedAt)
  const deadline = AbortSignal.timeout(submitted.timeoutMs)
  let verdict: Verdict = WAITING
  while (verdict.kind === 'waiting' && !deadline.aborted) {
    verdict = await follow(session, path, { judge, progress, deadline })
  }
  if (verdict.kind === 'hopeless') throw verdict.failure
  if (verdict.kind === 'waiting') throw timedOut(submitted, progress)
  session.print(verdict.line)
}

/** One connection: ends with a verdict, at the deadline, or (a daemon that restarts) a moment after it was cut. */
async function follow(session: Session, path: string, what: { judge: Judge; progress: Progress; deadline: AbortSignal }): Promise<Verdict> {
  const enough = new AbortController()
  let verdict: Verdict = WAITING
  const onEvent = (event: WatchEvent<VolumeObject>): void => {
    if (verdict.kind !== 'waiting') return
    what.progress.show(event)
    verdict = what.judge(event)
    if (verdict.kind !== 'waiting') enough.abort()
  }
  const signal = AbortSignal.any([enough.signal, what.deadline])
  await session.client.follow(path, onEvent, signal).catch(error => tolerate(error, signal))
  return verdict
}

/** Waits a moment before the next try; what is not an outage is thrown. */
async function tolerate(error: unknown, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  if (!(error instanceof Failure) || error.exit !== EXIT.unreachable) throw error
  await new Promise(resolve => setTimeout(resolve, 200))
}

function timedOut(submitted: Submitted, { last }: Progress): Failure {
  const { namespace, vm, volume, timeoutMs } = submitted
  const why = last === null ? 'nothing is known of it yet' : `${causeOf(last.message ?? '', last)} (${last.reason})`
  const remedy = last?.remedy === undefined || last.remedy.startsWith('Nothing to do') ? 'Wait longer.' : last.remedy
  const explain = `hotplugctl explain ${namespace === 'default' ? '' : `-n ${namespace} `}${vm} ${volume}`
  return new Failure(EXIT.timeout, `volume ${volume}: not done after ${timeoutMs / 1000} s: ${why}`, `${remedy} The request stands; see: ${explain}`)
}

/** Whether this status came of the request, and not of an older volume of the same name. */
function isOutcome(volume: VolumeObject, receivedAt: string): boolean {
  if (volume.phase === 'Detaching') return false
  if (volume.stages?.length) return isNewPlug(volume, receivedAt)
  return (volume.conditions ?? []).some(condition => condition.lastTransitionTime >= receivedAt)
}

function isNewPlug({ phase, stages = [] }: VolumeObject, receivedAt: string): boolean {
  const [first] = stages
  return phase !== 'Detaching' && first?.name === 'discovered' && first.startedAt >= receivedAt
}

/** Only a changed wish or world helps, and nobody is going to change it while we wait. */
function isHopeless({ reason = '' }: VolumeObject): boolean {
  return !PROGRESS.includes(reason) && REASONS[reason as Reason]?.retry === 'never'
}

function totalOf({ stages = [] }: VolumeObject): string {
  const total = stages.reduce((sum, stage) => sum + stage.durationMs, 0)
  return stages.length === 0 ? '' : ` (${total.toFixed(1)} ms)`
}
