import { allowsBlock } from '../../../core/node/device-rules.ts'
import type { Clock } from '../../../ports/clock.ts'
import { addon } from '../binding.ts'
import { grantDevices, readRules, revokeDevice, type RuleChange } from './device-rules.ts'
import { InTurn } from '../in-turn.ts'
import type { ContainerCgroups, PodViews } from './pod-views.ts'

/** Rules that were taken away are back within two of these. */
const PERIOD_MS = 2_000

/** What one launcher is allowed. */
interface Allowed {
  readonly devices: Set<string>
  cgroups: ContainerCgroups | null
  /** Of version 2: the programs that were attached when all was well. */
  programs: string
}

export interface LauncherRulesOptions {
  readonly views: PodViews
  readonly clock: Clock
  /** So many rules were taken away behind the agent's back and are there again. */
  readonly onRestored: (launcherUid: string, rules: number) => void
  /** A look failed; the next one follows. */
  readonly onError: (launcherUid: string, error: unknown) => void
  /** @default 2_000 */
  readonly periodMs?: number | undefined
}

/**
 * Device rules of launchers: given, taken back, and looked after every two seconds in between, since a reload of systemd or
 * the runtime sets a container's rules anew as it knows them. One change of a launcher's rules at a time: of version 2 they
 * are a single program.
 */
export class LauncherRules {
  readonly #options: LauncherRulesOptions
  readonly #turns = new InTurn()
  readonly #allowed = new Map<string, Allowed>()
  #cancel: (() => void) | null = null
  #isClosed = false

  constructor(options: LauncherRulesOptions) {
    this.#options = options
  }

  /** Lets the launcher use the device, until `revoke`. Throws SystemFailures. */
  grant(launcherUid: string, cgroups: ContainerCgroups, device: string): Promise<void> {
    return this.#turns.run(launcherUid, async () => {
      this.lookAfter(launcherUid, device)
      this.#note(launcherUid, cgroups, await grantDevices(cgroups, [device]))
    })
  }

  /**
   * The device is not looked after any more, and the rule taken back.
   *
   * @param cgroups null: no container of the launcher is left.
   */
  revoke(launcherUid: string, cgroups: ContainerCgroups | null, device: string): Promise<void> {
    return this.#turns.run(launcherUid, async () => {
      this.forget(launcherUid, device)
      if (cgroups !== null) this.#note(launcherUid, cgroups, await revokeDevice(cgroups, device))
    })
  }

  /** A rule that was given before the agent was restarted is looked after again. */
  lookAfter(launcherUid: string, device: string): void {
    const allowed = this.#allowed.get(launcherUid) ?? { devices: new Set(), cgroups: null, programs: '' }
    this.#allowed.set(launcherUid, allowed)
    allowed.devices.add(device)
    this.#schedule()
  }

  /** The device is not looked after any more; its rule stays. */
  forget(launcherUid: string, device: string): void {
    const allowed = this.#allowed.get(launcherUid)
    allowed?.devices.delete(device)
    if (allowed?.devices.size === 0) this.#allowed.delete(launcherUid)
  }

  close(): void {
    this.#isClosed = true
    this.#cancel?.()
  }

  #note(launcherUid: string, cgroups: ContainerCgroups, { programs }: RuleChange): void {
    const allowed = this.#allowed.get(launcherUid)
    if (allowed === undefined) return
    allowed.cgroups = cgroups
    allowed.programs = String(programs)
  }

  #schedule(): void {
    if (this.#cancel !== null || this.#isClosed || this.#allowed.size === 0) return
    const { clock, periodMs = PERIOD_MS } = this.#options
    this.#cancel = clock.after(periodMs, () => void this.#look())
  }

  async #look(): Promise<void> {
    const launchers = [...this.#allowed.keys()]
    await Promise.all(launchers.map((uid) => this.#turns.run(uid, () => this.#check(uid)).catch((error: unknown) => this.#options.onError(uid, error))))
    this.#cancel = null
    this.#schedule()
  }

  async #check(launcherUid: string): Promise<void> {
    const allowed = this.#allowed.get(launcherUid)
    if (allowed === undefined || (await isIntact(allowed))) return
    const view = await this.#options.views.launcher(launcherUid)
    if (view === null) return
    const change = await grantDevices(view.cgroups, [...allowed.devices])
    this.#note(launcherUid, view.cgroups, change)
    if (change.changed > 0) this.#options.onRestored(launcherUid, change.changed)
  }
}

async function isIntact({ cgroups, devices, programs }: Allowed): Promise<boolean> {
  if (cgroups === null) return false
  if (cgroups.version === 2) return String(await addon.attachedDevicePrograms(cgroups.directories)) === programs
  return cgroups.directories.every((directory) => {
    const rules = readRules(directory)
    return rules !== null && [...devices].every((device) => allowsBlock(rules, device))
  })
}
