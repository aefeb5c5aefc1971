import type { BaseLogger } from 'pino'
import { readDaemonPod, readDaemonSet } from '../../core/cluster/daemon-sets.ts'
import { type KnownNode, knownNode } from '../../core/cluster/node-selection.ts'
import { type DaemonPod, type DaemonSetFacts, decideRole, type RoleDoubt } from '../../core/cluster/role.ts'
import { type ObjectNames, readNames } from '../../core/cluster/vmi.ts'
import { asHotplugError, HotplugError } from '../../errors.ts'
import type { RoleChoice, RoleVerdict } from '../../model/role.ts'
import type { Clock } from '../../ports/clock.ts'
import type { RoleSource } from '../../ports/role-source.ts'
import type { ApiReader } from './api/api-client.ts'
import { retryAfterOf } from './api/api-failure.ts'
import type { Change } from './watch/object-store.ts'
import { Reflector, type ReflectorState } from './watch/reflector.ts'
import type { ReflectorTimes } from './watch/reflector-times.ts'

export interface RoleWatchOptions {
  readonly asked: RoleChoice
  readonly node: string
  /** Where KubeVirt is installed, if it is. */
  readonly namespace: string
  readonly client: ApiReader
  readonly clock: Clock
  readonly log: BaseLogger
  /** Node's name of the processor. @default process.arch */
  readonly processor?: string
  /** DaemonSets are asked for again after this or up to a fifth more. @default 30000 */
  readonly pollMs?: number
  /** After a question that was not answered. @default 2000 */
  readonly retryMs?: number
  readonly times?: Partial<ReflectorTimes>
}

interface NamespacePod extends ObjectNames {
  readonly daemonPod: DaemonPod | null
}

/** What was last answered about DaemonSets. */
interface Answer {
  readonly daemonSets: readonly DaemonSetFacts[]
  /** Which change of the pods was the last one before it was asked. */
  readonly podsVersion: number
  readonly askedMs: number
}

const POLL_MS = 30_000
const RETRY_MS = 2_000

/**
 * Finds out which role hotplugd has: watches the pods of KubeVirt's namespace on this node, and asks for the DaemonSets
 * there whenever one of those pods changed, and from time to time. What follows from it is `decideRole`'s to say. With a
 * role that was asked for nothing is read at all.
 */
export class RoleWatch implements RoleSource {
  readonly #options: RoleWatchOptions
  readonly #node: KnownNode
  readonly #pods: Reflector<NamespacePod>
  readonly #handlersEver = new Set<string>()
  #answer: Answer | null = null
  #doubt: RoleDoubt | null = null
  #podsVersion = 0
  #verdict: RoleVerdict
  #listener: (verdict: RoleVerdict) => void = () => {}
  #asking: Promise<void> | null = null
  #askAgain = false
  #cancelTimer: () => void = () => {}
  readonly #known = Promise.withResolvers<void>()
  readonly #closing = new AbortController()

  constructor(options: RoleWatchOptions) {
    const { client, clock, log, times, namespace, node } = options
    this.#options = options
    this.#node = knownNode(node, options.processor ?? process.arch)
    this.#pods = new Reflector<NamespacePod>({
      ...{ client, clock, log, ...(times && { times }) },
      name: 'virt-handler pods',
      path: `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods`,
      query: { fieldSelector: `spec.nodeName=${node}` },
      read: readNamespacePod,
      onChange: (changes) => this.#podsChanged(changes),
      onState: () => this.#decide(),
    })
    this.#verdict = this.#decided()
  }

  get verdict(): RoleVerdict {
    return this.#verdict
  }

  /** What there is to be told of its watch; nothing with a role that was asked for. */
  states(): readonly ReflectorState[] {
    return this.#options.asked === 'auto' ? [this.#pods.state()] : []
  }

  async start(listener: (verdict: RoleVerdict) => void): Promise<void> {
    this.#listener = listener
    if (this.#options.asked !== 'auto') return
    this.#pods.start()
    this.#ask()
    await this.#known.promise
  }

  async close(): Promise<void> {
    this.#closing.abort(new HotplugError('ApiServerUnavailable', 'the agent stops'))
    this.#cancelTimer()
    this.#known.resolve()
    await Promise.all([this.#pods.close(), this.#asking])
  }

  /** A pod counts at once, and is asked about. Those of other DaemonSets, hotplugd's own maybe, are of no interest. */
  #podsChanged(changes: readonly Change<NamespacePod>[]): void {
    if (!changes.some(({ object }) => this.#mayBeHandlers(object))) return
    this.#podsVersion++
    this.#decide()
    this.#ask()
  }

  #mayBeHandlers({ daemonPod }: NamespacePod): boolean {
    if (daemonPod === null) return false
    const owner = this.#answer?.daemonSets.find(({ uid }) => uid === daemonPod.ownerUid)
    return owner === undefined || owner.isHandler
  }

  /** One question at a time; what changes meanwhile is asked about afterwards. */
  #ask(): void {
    this.#askAgain = true
    this.#asking ??= this.#askAll()
  }

  async #askAll(): Promise<void> {
    let waitMs = 0
    while (this.#askAgain && !this.#closing.signal.aborted) {
      this.#askAgain = false
      this.#cancelTimer()
      waitMs = await this.#askOnce()
      this.#decide()
    }
    this.#asking = null
    if (!this.#closing.signal.aborted) this.#cancelTimer = this.#options.clock.after(waitMs, () => this.#ask())
  }

  /** Answers with how long to wait before the next time. */
  async #askOnce(): Promise<number> {
    const { pollMs = POLL_MS, retryMs = RETRY_MS, clock } = this.#options
    const [podsVersion, askedMs] = [this.#podsVersion, clock.monotonicMs()]
    try {
      this.#answer = { daemonSets: await this.#daemonSets(), podsVersion, askedMs }
      for (const { uid, isHandler } of this.#answer.daemonSets) if (isHandler) this.#handlersEver.add(uid)
      this.#doubt = null
      return pollMs * (1 + Math.random() / 5)
    } catch (thrown) {
      const error = asHotplugError(thrown)
      this.#doubt = doubtOf(error)
      return Math.max(retryMs * (1 + Math.random() / 5), retryAfterOf(error))
    }
  }

  async #daemonSets(): Promise<DaemonSetFacts[]> {
    const { client, namespace } = this.#options
    const path = `/apis/apps/v1/namespaces/${encodeURIComponent(namespace)}/daemonsets`
    const found: DaemonSetFacts[] = []
    for await (const page of client.list(path, { limit: 100 }, this.#closing.signal)) {
      if (page === 'expired') throw new HotplugError('ApiServerUnavailable', `list ${path}: the list changed while it was read`)
      found.push(...page.items.map((item) => this.#readListed(item)))
    }
    return found
  }

  #readListed(item: unknown): DaemonSetFacts {
    const read = readDaemonSet(item, this.#node)
    if (read === null) throw new HotplugError('ApiRefused', 'the list of DaemonSets holds one without a name or UID')
    return read
  }

  #decide(): void {
    const next = this.#decided()
    const { synced, trouble } = this.#pods.state()
    if (this.#doubt !== null || trouble !== null || (this.#answer !== null && synced)) this.#known.resolve()
    if (next.role === this.#verdict.role && next.why === this.#verdict.why) return
    if (next.role !== this.#verdict.role) this.#options.log.info({ role: next.role, why: next.why }, 'role changed')
    this.#verdict = next
    this.#listener(next)
  }

  #decided(): RoleVerdict {
    const { asked, namespace, clock } = this.#options
    const answer = this.#answer
    const pods = this.#pods.state()
    const listed = [...this.#pods.store.all()].flatMap(({ daemonPod }) => daemonPod ?? [])
    return decideRole({
      asked,
      namespace,
      answer: answer === null ? null : { daemonSets: answer.daemonSets, isCurrent: answer.podsVersion === this.#podsVersion, ageMs: clock.monotonicMs() - answer.askedMs },
      doubt: this.#doubt ?? (pods.trouble === null ? null : doubtOf(pods.trouble)),
      handlersEver: this.#handlersEver,
      pods: pods.synced ? listed : null,
    })
  }
}

function doubtOf({ message, reason }: HotplugError): RoleDoubt {
  return { message, isSilence: reason === 'ApiServerUnavailable' }
}

function readNamespacePod(object: unknown): NamespacePod | null {
  const names = readNames(object)
  return names === null ? null : { ...names, daemonPod: readDaemonPod(object) }
}
