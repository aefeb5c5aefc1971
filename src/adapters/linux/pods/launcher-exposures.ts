import { join } from 'node:path'
import { HotplugError } from '../../../errors.ts'
import type { VmKey } from '../../../model/ids.ts'
import type { Exposure } from '../../../model/record.ts'
import type { Clock } from '../../../ports/clock.ts'
import type { Exposures } from '../../../ports/host.ts'
import type { Pods } from '../../../ports/pods.ts'
import { systemClock } from '../../system-clock.ts'
import { LATE, within } from '../in-time.ts'
import { InTurn } from '../in-turn.ts'
import { knownPods, type KnownPods } from './known-pods.ts'
import { isBlock, LauncherActs } from './launcher-acts.ts'
import { entryName, exposedPath, launcherHandle, readHandle, writeHandle, type LauncherHandle } from './launcher-handle.ts'
import { launcherGone } from './launcher-refusals.ts'
import { LauncherRules } from './launcher-rules.ts'
import { isOutdated, PodViews, type NodeRoots } from './pod-views.ts'
import { failed, isSystemFailure } from '../system-failure.ts'

export interface LauncherExposuresOptions extends NodeRoots {
  readonly pods: Pick<Pods, 'launcher'>
  /** The kubelet's directory, as the agent sees it. */
  readonly kubeletDir: string
  /** @default '/sys' */
  readonly sysfs?: string
  readonly clock?: Clock
  /** Device rules of a launcher were taken away behind the agent's back and are there again. */
  readonly onRulesRestored?: (launcherUid: string, rules: number) => void
  readonly onRulesUnreadable?: (launcherUid: string, error: unknown) => void
  /** How often device rules are looked after. @default 2_000 */
  readonly rulePeriodMs?: number
  /** How long a caller waits for an act. @default 10_000 */
  readonly deadlineMs?: number
}

export interface LauncherExposures extends Exposures {
  /** Looks after the device rule of an exposure that an earlier run of the agent made. */
  adopt(exposure: Exposure): void
  /** How many device rules were put back so far. */
  rulesRestored(): number
  close(): void
}

const ATTEMPTS = 3
const DEADLINE_MS = 10_000
const DOING = { ExposureFailed: 'expose', ReleaseFailed: 'take back' } as const

type Failure = keyof typeof DOING

/**
 * Exposures inside launchers: a device node in the pod's directory for hot-plugged volumes with a device rule, or a bind
 * mount of the image in the launcher's own mount namespace. Nothing else is ever changed (invariant I4), and `release` takes
 * back what its handle names and nothing else. Throws HotplugError `LauncherNotFound`, `SourceChanged`, `UnsafePath`,
 * `ExposureFailed`, `ReleaseFailed`.
 */
export function createLauncherExposures(options: LauncherExposuresOptions): LauncherExposures {
  return new InLaunchers(options)
}

class InLaunchers implements LauncherExposures {
  readonly #pods: LauncherExposuresOptions['pods']
  readonly #deadlineMs: number
  readonly #known: KnownPods
  readonly #rules: LauncherRules
  readonly #acts: LauncherActs
  readonly #turns = new InTurn()
  #rulesRestored = 0

  constructor(options: LauncherExposuresOptions) {
    const { pods, kubeletDir, sysfs = '/sys', clock = systemClock, rulePeriodMs: periodMs } = options
    const { onRulesRestored = ignore, onRulesUnreadable: onError = ignore } = options
    const onRestored = (launcherUid: string, rules: number): void => {
      this.#rulesRestored += rules
      onRulesRestored(launcherUid, rules)
    }
    const podsDirectory = join(kubeletDir, 'pods')
    const views = new PodViews(options)
    this.#pods = pods
    this.#deadlineMs = options.deadlineMs ?? DEADLINE_MS
    this.#known = knownPods(options)
    this.#rules = new LauncherRules({ views, clock, onRestored, onError, periodMs })
    this.#acts = new LauncherActs({ podsDirectory, views, known: this.#known, rules: this.#rules, sysfs })
  }

  plan({ handle }: { readonly handle?: Exposure['handle'] }): Exposure {
    const read = launcherHandle(handle)
    return { path: exposedPath(read), kind: read.identity.kind, handle: writeHandle(read) }
  }

  async expose(vm: VmKey, exposure: Exposure): Promise<void> {
    const handle = launcherHandle(exposure.handle)
    if (this.#pods.launcher(vm)?.uid !== handle.launcher) throw launcherGone(handle)
    await this.#inTurn('ExposureFailed', handle, () => this.#acts.expose(handle))
  }

  async release(_vm: VmKey, exposure: Exposure): Promise<void> {
    const handle = launcherHandle(exposure.handle)
    await this.#inTurn('ReleaseFailed', handle, () => this.#acts.release(handle))
  }

  adopt({ handle }: Exposure): void {
    const read = readHandle(handle)
    if (read !== null && isBlock(read) && read.ownRule) this.#rules.lookAfter(read.launcher, read.identity.device)
  }

  rulesRestored(): number {
    return this.#rulesRestored
  }

  close(): void {
    this.#rules.close()
  }

  /**
   * One act on an exposure at a time. Whoever waits does not wait for ever, but the act goes on (its file's server is dead,
   * say), and the next one begins when it has ended.
   */
  async #inTurn(reason: Failure, handle: LauncherHandle, act: () => Promise<void>): Promise<void> {
    const done = this.#turns.run(`${handle.launcher} ${entryName(handle)}`, () => this.#attempt(reason, handle, act))
    if ((await within(this.#deadlineMs, done)) !== LATE) return
    done.catch(ignore)
    throw new HotplugError(reason, `cannot ${DOING[reason]} ${exposedPath(handle)}: no answer within ${this.#deadlineMs} ms`, { detail: { path: exposedPath(handle), pod: handle.launcher } })
  }

  /** Containers come and go; what was seen of one that ended is looked at anew. */
  async #attempt(reason: Failure, handle: LauncherHandle, act: () => Promise<void>): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await act()
      } catch (error) {
        if (!isOutdated(error) || attempt === ATTEMPTS) throw isSystemFailure(error) ? failed(reason, `${DOING[reason]} ${exposedPath(handle)}`, error, { path: exposedPath(handle), pod: handle.launcher }) : error
        this.#known.forget(handle.launcher)
        this.#known.forget(handle.attachment, handle.volume)
      }
    }
  }
}

function ignore(): void {}
